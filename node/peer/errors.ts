/** Why a peer could not start, or had to stop. */
export type PeerErrorCode =
  | 'OTHER_BASE_MODEL' // the base model here is not the run's: { ours, wanted }
  | 'NO_BASE_MODEL' // no peer gives the base model, or a file of it: { sha256, path? }
  | 'OTHER_ADAPTER' // the trainer's adapter does not fit the run's: { got, expected }
  | 'NOISE_DOES_NOT_FIT' // the ring has no room for the run's privacy noise: { cohortSize }
  | 'NOT_ADMITTED' // the run does not let this peer in: { peer, fault: AdmissionFault }
  | 'NOT_AUTHOR' // only the author of a run gives it orders: { author, self }
  | 'NOT_NOW' // an order that can do nothing now: { reason }
  | 'BROKEN_STORE' // what lies on the disk contradicts itself where no crash could have done it: { path, reason }
  | 'STORE_FAILED' // the disk refused: { code, path }
  | 'NOT_PAUSED' // its author sets a run's members anew only while it is paused, and nobody else does: { reason }
  | 'STOPPED' // the peer was stopped before the run was over: {}
  | 'FAULT' // a fault of the program: { reason }

export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: PeerErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: PeerErrorCode,
    data: Readonly<Record<string, unknown>> = {},
    message?: string,
    options?: ErrorOptions
  ) {
    super(message ?? `${code}: ${JSON.stringify(data)}`, options)
    this.code = code
    this.data = data
  }
}
