/** The reason with which a command's AbortSignal fires. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor(signal: string) {
    super(`stopped by ${signal}`)
  }
}

/** What we need of the process. */
export interface SignalSource {
  on(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP', handle: () => void): unknown
  exit(code: number): void
}

/** A wrapper may pass on the Ctrl-C that the terminal sent to us as well; no person presses it twice this fast. */
const SAME_PRESS_MS = 500

/** 128 + the number of the signal, as shells have it. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * Turns Ctrl-C (and a supervisor's SIGTERM) into an abort that lets the command stop cleanly; a second one quits hard.
 * @returns the signal that commands watch
 */
export function interruptSignal(
  process: SignalSource,
  warn: (text: string) => void,
  nowMs: () => number
): AbortSignal {
  const controller = new AbortController()
  let firstAtMs = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        firstAtMs = nowMs()
        warn('stopping; press Ctrl-C again to quit at once')
        controller.abort(new Interrupted(name))
      } else if (nowMs() - firstAtMs > SAME_PRESS_MS) {
        process.exit(exitCodes[name])
      }
    })
  }
  return controller.signal
}
