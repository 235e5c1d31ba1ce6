/** `--resume-with` at work: the author's peer goes on with other members once the run is paused, or its quorum is gone. */
import type { Peer, PeerEvent } from '../../peer/peer-types.ts'
import type { Resumption } from './resumption.ts'

/** A run that has waited for a quorum for so long is taken to have lost it: peers that only restart are back before. */
const LOST_MS = 20_000

/** Longer between two words of waiting, and the wait has been over meanwhile. */
const GAP_MS = 15_000

export class Resuming {
  readonly #peer: Pick<Peer, 'reconfigure' | 'status'>
  readonly #warn: (message: string) => void
  #resume: Resumption | null
  #waitingSinceMs: number | null = null
  #lastMs = 0

  /** @param resume - null: the run is the author's to resume, and this peer does not */
  constructor(
    peer: Pick<Peer, 'reconfigure' | 'status'>,
    resume: Resumption | null,
    warn: (message: string) => void
  ) {
    this.#peer = peer
    this.#resume = resume
    this.#warn = warn
  }

  take(event: PeerEvent): void {
    if (event.type === 'link' || event.type === 'caught-up') this.#waitingSinceMs = null
    if (event.type !== 'notice' || this.#resume === null) return
    if (event.notice === 'paused') return void this.#go(this.#resume)
    // Before the run has begun there is nobody to miss.
    if (event.notice !== 'waiting' || event.missing.length === 0) return
    const nowMs = performance.now()
    if (this.#waitingSinceMs === null || nowMs - this.#lastMs > GAP_MS) this.#waitingSinceMs = nowMs
    this.#lastMs = nowMs
    if (nowMs - this.#waitingSinceMs >= LOST_MS) void this.#go(this.#resume)
  }

  async #go(resume: Resumption): Promise<void> {
    this.#resume = null
    try {
      await this.#peer.reconfigure(resume(this.#peer.status().members))
    } catch (error) {
      this.#warn(`cannot go on: ${(error as Error).message}`)
      // What stood in the way may be gone later: it is tried again as long as the run waits.
      this.#waitingSinceMs = null
      this.#resume = resume
    }
  }
}
