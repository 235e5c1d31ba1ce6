import type { Clock, PeerId } from '../../../protocols/ports.ts'
import { FORGIVEN_POINTS, SCORE_HALF_LIFE_MS } from './offences.ts'

interface Points {
  readonly points: number
  readonly atMs: number
}

/** Peers remembered: a bound on memory only. Whoever gives way has been good for the longest time. */
const REMEMBERED = 4_096

/** The offences of each peer in points, fading with time. */
export class PeerScores {
  readonly #clock: Clock
  readonly #byPeer = new Map<PeerId, Points>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns the points that it has now */
  add(peer: PeerId, points: number): number {
    const sum = this.pointsOf(peer) + points
    this.#byPeer.delete(peer)
    this.#byPeer.set(peer, { points: sum, atMs: this.#clock.nowMs() })
    if (this.#byPeer.size > REMEMBERED) this.#byPeer.delete(this.#byPeer.keys().next().value!)
    return sum
  }

  pointsOf(peer: PeerId): number {
    const entry = this.#byPeer.get(peer)
    if (entry === undefined) return 0
    return entry.points * 2 ** -((this.#clock.nowMs() - entry.atMs) / SCORE_HALF_LIFE_MS)
  }

  /**
   * For gossipsub's thresholds: 0, or minus the square of the points that are not forgiven. Below 0 a peer is not meshed
   * with, below -10 it is offered nothing, below -80 (17 points) it is not listened to.
   */
  gossipScoreOf(peer: PeerId): number {
    const excess = this.pointsOf(peer) - FORGIVEN_POINTS
    return excess > 0 ? -(excess ** 2) : 0
  }

  /** It has paid, by being cut off. */
  forget(peer: PeerId): void {
    this.#byPeer.delete(peer)
  }
}
