import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const LANE = fileURLToPath(new URL('lane.mjs', import.meta.url))

/**
 * Runs test files in several processes, each taking the next file when it is done with one, and prints what a file said
 * once that file is done.
 * @returns the counts of all, and the files with failures
 */
export async function runInLanes(files, lanes, grep) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  const failing = []
  const waiting = [...files]
  const add = (file, counts) => {
    for (const key of Object.keys(total)) total[key] += counts[key]
    if (counts.failed > 0) failing.push(file)
  }
  const lane = async () => {
    // A process that dies takes one file with it: the others go on in a new one.
    while (waiting.length > 0) await runLane(waiting, add, grep)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { ...total, failing }
}

function runLane(waiting, add, grep) {
  const mark = `--done-${randomUUID()}`
  const child = fork(LANE, [mark, ...(grep ? [grep] : [])], { silent: true })
  let said = ''
  let file = null
  const next = isFull => {
    file = isFull ? null : (waiting.shift() ?? null)
    child.send(file)
  }
  const finish = counts => {
    const done = file
    file = null
    add(done, counts)
    if (counts.failed > 0) process.stdout.write(`\n${done}:\n`)
  }
  return new Promise((resolve, reject) => {
    const listen = text => {
      said += text
      const end = new RegExp(`\\n${mark} (\\{.*\\})\\n`).exec(said)
      if (end === null) return
      process.stdout.write(said.slice(0, end.index))
      said = said.slice(end.index + end[0].length)
      const { counts, isFull } = JSON.parse(end[1])
      finish(counts)
      next(isFull)
    }
    child.stdout.setEncoding('utf8').on('data', listen)
    child.stderr.setEncoding('utf8').on('data', text => (said += text))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.stdout.write(said)
      if (file !== null) {
        process.stdout.write(
          `\nthe process of the tests died (${signal ?? `exit code ${code}`}) in ${file}\n`
        )
        finish({ passed: 0, failed: 1, skipped: 0 })
      } else if (code === 3) {
        add('a lane', { passed: 0, failed: 1, skipped: 0 })
      }
      resolve()
    })
    next(false)
  })
}
