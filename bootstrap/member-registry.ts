/** Who takes part in which run, by what they last said to everyone. Whoever is not heard any more is forgotten. */
import { MEMBERS_MAX, OFFERED_RUN_TTL_MS } from '../protocols/limits.ts'
import type { Clock, PeerId } from '../protocols/ports.ts'

export interface HeardMember {
  readonly peer: PeerId
  readonly heardAtMs: number
  /** Of its chain, as it says; -1 before the founding. */
  readonly height: number
  /** As it says; null if it has not said. */
  readonly phase: string | null
}

export class MemberRegistry {
  readonly #clock: Pick<Clock, 'nowMs'>
  /** In the order in which they were last heard. */
  readonly #byRun = new Map<string, Map<PeerId, HeardMember>>()

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock
  }

  hear(run: string, peer: PeerId, height: number, phase: string | null): void {
    const heard = this.#byRun.get(run) ?? new Map<PeerId, HeardMember>()
    this.#byRun.set(run, heard)
    heard.delete(peer)
    heard.set(peer, { peer, heardAtMs: this.#clock.nowMs(), height, phase })
    this.#expire(heard)
  }

  of(run: string): HeardMember[] {
    const heard = this.#byRun.get(run)
    if (heard === undefined) return []
    this.#expire(heard)
    return [...heard.values()]
  }

  forget(run: string): void {
    this.#byRun.delete(run)
  }

  #expire(heard: Map<PeerId, HeardMember>): void {
    const oldestMs = this.#clock.nowMs() - OFFERED_RUN_TTL_MS
    for (const [peer, { heardAtMs }] of heard) {
      if (heardAtMs >= oldestMs && heard.size <= MEMBERS_MAX) return
      heard.delete(peer)
    }
  }
}
