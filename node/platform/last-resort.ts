/**
 * libp2p can throw a StreamStateError from a timer of its own, where nobody can catch it (js-libp2p issue 3415): a
 * stream that was reset between two of its steps. One lost stream must not end a peer, so such faults are logged and
 * survived. Anything that does not come from a stream or a connection still ends the process.
 */

/** Errors of one stream or connection. What used it hears of it on its own path. */
const HARMLESS = new Set([
  'StreamStateError',
  'StreamResetError',
  'StreamAbortedError',
  'StreamClosedError',
  'StreamBufferError',
  'ConnectionClosedError',
  'ConnectionClosingError',
  'MuxerClosedError',
  'UnexpectedEOFError'
])

/** Errors of a socket whose other side is gone. Not EPIPE: that is most often our own standard output. */
const HARMLESS_CODES = new Set(['ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT'])

export function isHarmless(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as NodeJS.ErrnoException).code
  return HARMLESS.has(error.name) || (code !== undefined && HARMLESS_CODES.has(code))
}

/**
 * Survives and logs what is harmless; hands the rest to `onFatal`, which should end the process.
 * @returns a function that takes the handlers away
 */
export function installLastResort(
  log: (message: string) => void,
  onFatal: (error: unknown) => void
): () => void {
  const handle = (error: unknown): void => {
    if (isHarmless(error)) log(`survived: ${(error as Error).name}: ${(error as Error).message}`)
    else onFatal(error)
  }
  process.on('uncaughtException', handle)
  process.on('unhandledRejection', handle)
  return () => {
    process.off('uncaughtException', handle)
    process.off('unhandledRejection', handle)
  }
}
