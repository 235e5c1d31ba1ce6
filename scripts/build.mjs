// Compiles the sources to dist/ (run by npm on `npm ci` and before a package is published).
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
rmSync(join(root, 'dist'), { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit'
})
if (status !== 0) process.exit(status ?? 1)
// Generated JavaScript with its types, and WebAssembly: what the compiler reads but does not write.
for (const folder of ['aggregation', 'protocols', 'node', 'bootstrap', 'sim']) {
  cpSync(join(root, folder), join(root, 'dist', folder), {
    recursive: true,
    filter: path => statSync(path).isDirectory() || /\.(js|d\.ts|wasm)$/.test(path)
  })
}
