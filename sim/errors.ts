/** Why a simulation could not go on. */
export type SimErrorCode =
  | 'BAD_SCENARIO' // unknown or impossible values: { problems }
  | 'TOO_FEW_CLIENTS' // fewer clients in the data than peers asked for: { wanted, found }
  | 'DIVERGED' // peers that took part came to different states: { hashes }
  | 'PEER_FAILED' // one of the peers stopped with an error: { peer }
  | 'PAUSED' // the run stands still until its author sets the members anew: { code }

export class SimError extends Error {
  override readonly name = 'SimError'
  readonly code: SimErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: SimErrorCode,
    data: Readonly<Record<string, unknown>>,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.data = data
  }
}
