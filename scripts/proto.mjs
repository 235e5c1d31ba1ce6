// Generates protocols/messages.js and messages.d.ts from messages.proto. protons writes TypeScript namespaces, which
// Node cannot strip, so its output is compiled once here and the JavaScript is what is committed.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const work = mkdtempSync(join(root, '.proto-'))
function run(command, ...args) {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    stdio: 'inherit'
  })
  if (status !== 0) throw new Error(`${command} failed`)
}
try {
  copyFileSync(join(root, 'protocols', 'messages.proto'), join(work, 'messages.proto'))
  run('protons', join(work, 'messages.proto'))
  run(
    'tsc',
    '--ignoreConfig',
    '--target',
    'ES2024',
    '--module',
    'NodeNext',
    '--moduleResolution',
    'NodeNext',
    '--declaration',
    '--skipLibCheck',
    '--outDir',
    work,
    join(work, 'messages.ts')
  )
  copyFileSync(join(work, 'messages.js'), join(root, 'protocols', 'messages.js'))
  // protons asks for views of plain ArrayBuffers; it works with any, and ours come from everywhere.
  const types = readFileSync(join(work, 'messages.d.ts'), 'utf8').replaceAll(
    'Uint8Array<ArrayBuffer>',
    'Uint8Array'
  )
  writeFileSync(join(root, 'protocols', 'messages.d.ts'), types)
} finally {
  rmSync(work, { recursive: true, force: true })
}
