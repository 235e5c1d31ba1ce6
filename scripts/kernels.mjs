// Compiles the kernels of the backend wasm and of the secure sum with AssemblyScript: `npm run kernels` after a change of
// them. What it writes is committed, and a test holds it against a new compilation (`--out FOLDER` writes elsewhere,
// `--only relaxed` one file).
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const entry = fileURLToPath(new URL('../node/backend/wasm/assembly/kernels.ts', import.meta.url))

const laneSum = fileURLToPath(new URL('../aggregation/assembly/lane-sum.ts', import.meta.url))

const always = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd']

const ofBackend = [
  // The bounds are those of node/backend/wasm/kernel-module.ts. One thread's memory is not shared: it clears the flag.
  ...[
    '--importMemory',
    '--noExportMemory',
    '--sharedMemory',
    '--initialMemory',
    '2',
    '--maximumMemory',
    '65535'
  ],
  // Behind the control words; the kernels have no data of their own.
  ...['--memoryBase', '1024'],
  ...['--enable', 'threads']
]

// The bounds of its own memory: what lies in it ends below the fourth page.
const ofLaneSum = ['--initialMemory', '3', '--maximumMemory', '3', '--memoryBase', '1024']

/** What each file is made of: `relaxed` has fused multiply-add. */
const files = {
  simd: { entry, options: ofBackend, name: 'node/backend/wasm/kernels.simd.wasm' },
  relaxed: {
    entry,
    options: [...ofBackend, '--enable', 'relaxed-simd'],
    name: 'node/backend/wasm/kernels.relaxed.wasm'
  },
  laneSum: { entry: laneSum, options: ofLaneSum, name: 'aggregation/lane-sum.wasm' }
}

async function compile({ entry, options, name }, file) {
  const sources = [relative(root, entry), '--baseDir', root, '--outFile', relative(root, file)]
  const { error, stderr } = await asc.main([...sources, ...always, ...options], {
    writeFile(_name, contents) {
      writeFileSync(file, contents)
      console.log(`${file}: ${contents.length} bytes`)
    }
  })
  if (error) {
    console.error(stderr.toString() || `${name}: ${error.message}`)
    process.exit(1)
  }
}

const argument = name => process.argv[process.argv.indexOf(name) + 1]
const out = process.argv.includes('--out') ? argument('--out') : null
const wanted = process.argv.includes('--only') ? [argument('--only')] : Object.keys(files)
if (out !== null) mkdirSync(out, { recursive: true })
for (const key of wanted) {
  const file = files[key]
  await compile(file, out === null ? join(root, file.name) : join(out, basename(file.name)))
}
