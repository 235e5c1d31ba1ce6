/** What can be wrong with a backend. */
export type BackendErrorCode =
  | 'OUT_OF_MEMORY' // a tensor does not fit: { askedBytes, heldBytes, maxBytes? }
  | 'FREED' // a tensor was used or freed after it was freed, or on another backend: { kernel }
  | 'BAD_SHAPE' // shapes that a kernel cannot combine: { kernel, shapes }
  | 'UNAVAILABLE' // the backend cannot be opened here: { backend, reason }
  | 'THREAD_FAILED' // a kernel thread could not start or ended: { reason }
  | 'CLOSED' // the backend was closed: {}

export class BackendError extends Error {
  override readonly name = 'BackendError'
  readonly code: BackendErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: BackendErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
