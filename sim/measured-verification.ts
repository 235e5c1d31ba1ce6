/** What verifying cost in the rounds of a run, for those who verified and for those who did not. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import type { PeerEvent } from '../node/peer/peer-types.ts'
import { cohortAt, verifiersAt } from '../protocols/chain-cohorts.ts'
import type { ChainTip, RunContext } from '../protocols/chain-tip.ts'
import type { PeerId } from '../protocols/ports.ts'

/** Means over peers and rounds that ended in a result, in bytes. */
export interface MeasuredVerification {
  /** The most verifiers of a round. */
  readonly verifiers: number
  /** Masked inputs of others, received by a verifier. */
  readonly verifierReceived: number
  /** States, received by a member of the cohort that is no verifier; null if there was none. */
  readonly otherReceived: number | null
}

export class VerificationMeter {
  readonly #run: Pick<RunContext, 'manifest'>
  readonly #crypto: Pick<CryptoSuite, 'sha256'>
  readonly #tips = new Map<PeerId, ChainTip>()
  readonly #verifier: number[] = []
  readonly #other: number[] = []
  #verifiers = 0

  constructor(run: Pick<RunContext, 'manifest'>, crypto: Pick<CryptoSuite, 'sha256'>) {
    this.#run = run
    this.#crypto = crypto
  }

  take(peer: PeerId, event: PeerEvent): void {
    if (event.type !== 'founded' && event.type !== 'link' && event.type !== 'caught-up') return
    const before = this.#tips.get(peer)
    this.#tips.set(peer, event.tip)
    if (event.type !== 'link' || event.kind !== 'result' || before?.height !== event.link.height - 1) return
    if (!cohortAt(before, this.#run, this.#crypto).includes(peer)) return
    const verifiers = verifiersAt(before, this.#run, this.#crypto)
    this.#verifiers = Math.max(this.#verifiers, verifiers.length)
    const counts = verifiers.includes(peer) ? this.#verifier : this.#other
    counts.push(event.bytes.verification.received)
  }

  get measured(): MeasuredVerification {
    return {
      verifiers: this.#verifiers,
      verifierReceived: Math.round(mean(this.#verifier)),
      otherReceived: this.#other.length === 0 ? null : Math.round(mean(this.#other))
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
