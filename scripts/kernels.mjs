// Compiles the kernels of the backend wasm with AssemblyScript: `npm run kernels` after a change of them. What it writes
// is committed, and a test holds it against a new compilation (`--out FOLDER` writes elsewhere, `--only relaxed` one file).
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const entry = fileURLToPath(new URL('../node/backend/wasm/assembly/kernels.ts', import.meta.url))

const options = [
  ...['-O3', '--noAssert', '--runtime', 'stub'],
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
  ...['--enable', 'simd', '--enable', 'threads']
]

/** @param {'simd' | 'relaxed'} variant - with fused multiply-add or without */
async function compile(variant, out) {
  const features = variant === 'relaxed' ? ['--enable', 'relaxed-simd'] : []
  const file = join(out, `kernels.${variant}.wasm`)
  const files = [relative(root, entry), '--baseDir', root, '--outFile', relative(root, file)]
  const { error, stderr } = await asc.main([...files, ...options, ...features], {
    writeFile(_name, contents) {
      writeFileSync(file, contents)
      console.log(`${file}: ${contents.length} bytes`)
    }
  })
  if (error) {
    console.error(stderr.toString() || error.message)
    process.exit(1)
  }
}

const argument = name => process.argv[process.argv.indexOf(name) + 1]
const out = process.argv.includes('--out') ? argument('--out') : join(root, 'node/backend/wasm')
const variants = process.argv.includes('--only') ? [argument('--only')] : ['simd', 'relaxed']
mkdirSync(out, { recursive: true })
for (const variant of variants) await compile(variant, out)
