/** Why a pure computation of a round was refused. */
export type AggregationErrorCode =
  | 'NON_FINITE' // a value is NaN or infinite: { coordinate }
  | 'LENGTH_MISMATCH' // two vectors that must match do not: { expected, got }
  | 'RING_OVERFLOW' // the settings could overflow the ring: { participants, ringBits }
  | 'BAD_THRESHOLD' // Shamir parameters outside 1 <= t <= n <= 255: { threshold, shares }
  | 'BAD_SHARE' // shares that do not belong together: duplicate or zero x, unequal lengths
  | 'LOW_ORDER_POINT' // an X25519 public key that yields the all-zero secret
  | 'BAD_CIPHERTEXT' // an AES-GCM tag that does not match
  | 'BAD_SETTING' // a setting outside its range: { setting, got, expected }
  | 'BAD_STATE' // a replicated state that cannot be decoded: { reason }
  | 'BAD_SUM' // a sum that no inputs within the bounds can have: { reason }
  | 'TOO_FEW' // fewer participants than needed: { needed, got }

export class AggregationError extends Error {
  override readonly name = 'AggregationError'
  readonly code: AggregationErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(code: AggregationErrorCode, data: Readonly<Record<string, unknown>> = {}, message?: string) {
    super(message ?? `${code}: ${JSON.stringify(data)}`)
    this.code = code
    this.data = data
  }
}
