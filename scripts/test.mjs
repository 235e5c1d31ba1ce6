// Runs mocha over test/ (or the folders given) and closes with one line that counts: `N passed, N failed, N skipped`.

import { glob } from 'node:fs/promises'
import Mocha from 'mocha'

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const grepAt = args.indexOf('--grep')
const grep = grepAt >= 0 ? args[grepAt + 1] : undefined
const paths = args.filter((a, i) => !a.startsWith('--') && (grepAt < 0 || i !== grepAt + 1))
const mocha = new Mocha({
  timeout: 60_000,
  forbidOnly: Boolean(process.env.CI),
  reporter: 'spec',
  ...(grep ? { grep } : {})
})
const files = []
for (const path of paths.length > 0 ? paths : ['test']) {
  if (path.endsWith('.ts')) files.push(path)
  else for await (const file of glob(`${path}/**/*.${slow ? 'slow' : 'test'}.ts`)) files.push(file)
}
if (files.length === 0) {
  console.error(`no test files under ${paths.join(' ') || 'test'}`)
  process.exit(1)
}
for (const file of files.sort()) mocha.addFile(file)
await mocha.loadFilesAsync()
const startedMs = performance.now()
let passed = 0
let failed = 0
let skipped = 0
mocha
  .run()
  .on('pass', () => passed++)
  .on('fail', () => failed++)
  .on('pending', () => skipped++)
  .on('end', () => {
    console.log(`took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    // A handle left open would hang CI: say so instead of hiding it behind a forced exit.
    setTimeout(() => {
      console.error('a test left a handle open:', process.getActiveResourcesInfo().join(', '))
      process.exit(failed > 0 ? 1 : 3)
    }, 20_000).unref()
    process.exitCode = failed > 0 ? 1 : 0
  })
