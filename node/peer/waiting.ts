/** Waiting on the peer's clock, so that a simulation decides how long it takes. */
import type { Clock } from '../../protocols/ports.ts'

/** Resolves after `delayMs`, or at once when the signal says that nobody waits any more. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const wake = (): void => {
      signal.removeEventListener('abort', wake)
      cancel()
      resolve()
    }
    const cancel = clock.after(delayMs, wake)
    signal.addEventListener('abort', wake)
  })
}

/**
 * Reads a stream of frames up to its end, its limits or a point in time, whichever comes first: the other side may
 * be slow, or may never stop.
 * @throws whatever the stream throws; RangeError above a limit or past the time
 */
export async function readFrames(
  frames: AsyncIterable<Uint8Array>,
  limits: { readonly frames: number; readonly bytes: number; readonly withinMs: number },
  clock: Clock
): Promise<Uint8Array[]> {
  const iterator = frames[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  let bytes = 0
  let expire: (error: RangeError) => void = () => {}
  const expired = new Promise<never>((_, reject) => (expire = reject))
  const cancel = clock.after(limits.withinMs, () =>
    expire(new RangeError(`no end within ${limits.withinMs} ms`))
  )
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), expired])
      if (next.done === true) return read
      bytes += next.value.length
      if (read.length === limits.frames || bytes > limits.bytes) {
        throw new RangeError(`more than ${limits.frames} frames or ${limits.bytes} bytes`)
      }
      read.push(next.value)
    }
  } finally {
    cancel()
    // Not awaited: a stream that hangs also hangs here.
    Promise.resolve(iterator.return?.()).catch(() => {})
  }
}
