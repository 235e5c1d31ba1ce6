// Preloaded into `join --json` (node --import): a SIGKILL within the write that says that this peer is in the phase which a
// warrant names, and is its aggregator. The warrant is a file; whoever takes it away dies, so it is one process that does.
import { readFileSync, unlinkSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

export interface PhaseLine {
  readonly event: string
  readonly peer?: string
  readonly phase?: string
  readonly aggregator?: string | null
}

const warrant = process.env['FEDPEFT_TEST_WARRANT']
const write = process.stdout.write.bind(process.stdout) as (...args: unknown[]) => boolean
let self = ''

if (isMainThread && warrant !== undefined) {
  process.stdout.write = ((...args: unknown[]) => {
    // To a pipe this returns when the bytes are in it.
    const isRoomLeft = write(...args)
    for (const line of String(args[0]).split('\n')) if (line.startsWith('{')) take(JSON.parse(line))
    return isRoomLeft
  }) as typeof process.stdout.write
}

function take({ event, peer, phase, aggregator }: PhaseLine): void {
  if (event === 'listening') self = peer!
  if (event !== 'phase' || aggregator !== self || !isNamed(phase!)) return
  process.kill(process.pid, 'SIGKILL')
  // The signal comes within this call; no further line is reached.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** Whether this process now holds the warrant for that phase. */
function isNamed(phase: string): boolean {
  try {
    if (readFileSync(warrant!, 'utf8') !== phase) return false
    unlinkSync(warrant!)
    return true
  } catch {
    return false
  }
}
