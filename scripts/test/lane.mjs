// One of several processes that run test files side by side: takes a file at a time from its parent (lanes.mjs).

import { refuseToHang, runFiles } from './run-files.mjs'

/** Above this a new process goes on: what files leave behind adds up. */
const FULL_BYTES = 1.5 * 1024 ** 3

const [mark, grep] = process.argv.slice(2)
let failed = 0

process.on('message', async file => {
  if (file === null) {
    process.disconnect()
    refuseToHang(failed)
    return
  }
  let counts
  try {
    counts = await runFiles([file], grep)
  } catch (error) {
    console.log(error)
    counts = { passed: 0, failed: 1, skipped: 0 }
  }
  failed += counts.failed
  // On the stream that the tests write to, so that it comes after all they have said.
  const { rss } = process.memoryUsage()
  process.stdout.write(`\n${mark} ${JSON.stringify({ counts, isFull: rss > FULL_BYTES })}\n`)
})
