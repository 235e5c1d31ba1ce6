// Runs mocha over test/ (or the folders given) and closes with one line that counts: `N passed, N failed, N skipped`.
// The quick tests run in two processes side by side; the slow ones, which start many processes each, one after the other.

import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { runInLanes } from './test/lanes.mjs'
import { refuseToHang, runFiles } from './test/run-files.mjs'

const LANES = 2

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const grepAt = args.indexOf('--grep')
const grep = grepAt >= 0 ? args[grepAt + 1] : undefined
const paths = args.filter((a, i) => !a.startsWith('--') && (grepAt < 0 || i !== grepAt + 1))
const files = []
for (const path of paths.length > 0 ? paths : ['test']) {
  if (path.endsWith('.ts')) files.push(path)
  else for await (const file of glob(`${path}/**/*.${slow ? 'slow' : 'test'}.ts`)) files.push(file)
}
if (files.length === 0) {
  console.error(`no test files under ${paths.join(' ') || 'test'}`)
  process.exit(1)
}
files.sort()
const lanes = slow || files.length < 8 ? 1 : Math.min(LANES, availableParallelism())
const startedMs = performance.now()
const { passed, failed, skipped, failing } =
  lanes === 1
    ? { ...(await runFiles(files, grep)), failing: [] }
    : await runInLanes(longestFirst(files), lanes, grep)
if (failing.length > 0) console.log(`failures in ${failing.join(', ')}`)
console.log(`took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
refuseToHang(failed)

/** Those that start processes take longest: a lane that began one of them last would end long after the other. */
function longestFirst(sorted) {
  const isLong = file => file.includes('end-to-end')
  return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))]
}
