/** How much evidence one member may send: checking it costs signatures, keeping it memory. */
import { EVIDENCE_PER_SENDER } from '../../protocols/limits.ts'
import type { PeerId } from '../../protocols/ports.ts'

export class EvidenceGate {
  readonly #counts = new Map<PeerId, number>()
  #height = -1

  /** @param height - of the chain: every link gives everyone their share anew */
  admits(sender: PeerId, height: number): boolean {
    if (height !== this.#height) this.#counts.clear()
    this.#height = height
    const count = this.#counts.get(sender) ?? 0
    if (count >= EVIDENCE_PER_SENDER) return false
    this.#counts.set(sender, count + 1)
    return true
  }
}
