/** What `status()` says, kept up from the machine's notices. */
import { pauseWords } from '../../protocols/pause.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { Notice, RoundPhase } from '../round/round-types.ts'
import type { PeerCondition, PeerStatus } from './peer-types.ts'

type Kept = Pick<
  PeerStatus,
  | 'phase'
  | 'phaseSinceMs'
  | 'round'
  | 'attempt'
  | 'aggregator'
  | 'cohort'
  | 'missing'
  | 'paused'
  | 'announced'
  | 'held'
>

const START: Kept = {
  phase: 'WaitingForMembers',
  round: 0,
  attempt: 0,
  phaseSinceMs: 0,
  aggregator: null,
  cohort: [],
  missing: [],
  paused: null,
  announced: [],
  held: []
}

export class StatusKeeper {
  condition: PeerCondition = 'new'
  /** As last heard of from the machine; never falls. */
  epsilonSpent = 0
  readonly #nowMs: () => number
  #kept: Kept

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#kept = { ...START, phaseSinceMs: nowMs() }
  }

  get kept(): Kept {
    return this.#kept
  }

  get phase(): RoundPhase {
    return this.#kept.phase
  }

  take(notice: Notice): void {
    const { announced, held, round, attempt } = this.#kept
    if (notice.notice === 'phase') {
      const sameAttempt = notice.round === round && notice.attempt === attempt
      const { phase, aggregator, cohort } = notice
      const inputs = sameAttempt ? { announced, held } : { announced: [], held: [] }
      this.#kept = {
        phase,
        round: notice.round,
        attempt: notice.attempt,
        phaseSinceMs: this.#nowMs(),
        aggregator,
        cohort,
        missing: [],
        paused: null,
        ...inputs
      }
    } else if (notice.notice === 'paused') {
      const { pause, missing } = notice
      this.#kept = { ...this.#kept, missing, paused: pauseWords(pause, missing) }
    } else if (notice.notice === 'waiting') this.#kept = { ...this.#kept, missing: notice.missing }
    else if (notice.notice === 'new-view') this.#kept = { ...this.#kept, aggregator: notice.aggregator }
    else if (notice.notice === 'privacy-spent')
      this.epsilonSpent = Math.max(this.epsilonSpent, notice.epsilon)
    else if (notice.notice === 'input-announced') {
      this.#kept = { ...this.#kept, announced: withPeer(announced, notice.peer) }
    } else if (notice.notice === 'input-held')
      this.#kept = { ...this.#kept, held: withPeer(held, notice.peer) }
  }
}

function withPeer(peers: readonly PeerId[], peer: PeerId): readonly PeerId[] {
  return peers.includes(peer) ? peers : [...peers, peer]
}
