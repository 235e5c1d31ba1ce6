/**
 * Who is given the base model of a run by invitation before the run has let it in: whoever shows an invitation that it would
 * be let in by now. Nothing else is given to them. docs/admission.md.
 */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { emptyRecord, hasRedeemed, needsInvitation, recordFault } from '../../protocols/admission.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import { toHex } from '../../protocols/hex.ts'
import { redemptionFault } from '../../protocols/invitation.ts'
import { MODEL_GUESTS_MAX } from '../../protocols/limits.ts'
import type { Invitation, Redemption } from '../../protocols/messages.js'
import type { Clock, PeerId } from '../../protocols/ports.ts'

export interface ModelGuestsPorts {
  readonly run: Pick<RunContext, 'id' | 'manifest'>
  readonly tip: () => Pick<ChainTip, 'expelled' | 'admission'> | null
  readonly clock: Pick<Clock, 'nowMs'>
  readonly crypto: Pick<CryptoSuite, 'ed25519Verify'>
}

/** What of an invitation decides later on: its signatures were checked when it was shown. */
type Terms = Pick<Invitation, 'id' | 'uses' | 'expiresAtS'>

export class ModelGuests {
  readonly #ports: ModelGuestsPorts
  /** The oldest first. */
  readonly #terms = new Map<PeerId, Terms>()

  constructor(ports: ModelGuestsPorts) {
    this.#ports = ports
  }

  /** @returns false if what the peer shows would not let it into the run now */
  admit(peer: PeerId, redemption: Redemption): boolean {
    const { id, manifest } = this.#ports.run
    const { invitation } = redemption
    if (!needsInvitation(manifest, peer) || invitation === undefined) return false
    // A slice: the request's buffer is not kept.
    const terms = { id: invitation.id.slice(), uses: invitation.uses, expiresAtS: invitation.expiresAtS }
    if (!this.#isGood(peer, terms)) return false
    if (redemptionFault(redemption, peer, { id, author: manifest.author }, this.#ports.crypto) !== null)
      return false
    this.#terms.delete(peer)
    this.#makeRoom(peer, terms)
    this.#terms.set(peer, terms)
    return true
  }

  /** Whether a peer has shown an invitation that is good to this day. */
  has(peer: PeerId): boolean {
    const terms = this.#terms.get(peer)
    return terms !== undefined && this.#isGood(peer, terms)
  }

  #isGood(peer: PeerId, terms: Terms): boolean {
    const { tip, clock } = this.#ports
    const { expelled, admission } = tip() ?? { expelled: [], admission: emptyRecord }
    if (expelled.includes(peer) || recordFault(admission, terms, peer) !== null) return false
    // Whom the chain has let in comes back after the expiry too.
    return clock.nowMs() < 1000 * terms.expiresAtS || hasRedeemed(admission, terms, peer)
  }

  /** An invitation's holder can make it out to any number of peers: no more are guests at a time than it can let in. */
  #makeRoom(peer: PeerId, terms: Terms): void {
    const admission = this.#ports.tip()?.admission ?? emptyRecord
    if (!hasRedeemed(admission, terms, peer)) {
      const key = toHex(terms.id)
      const left = terms.uses - (admission.redeemed.get(key)?.size ?? 0)
      const others = [...this.#terms]
        .filter(([other, { id }]) => toHex(id) === key && !hasRedeemed(admission, terms, other))
        .map(([other]) => other)
      for (const other of others.slice(0, Math.max(0, others.length - left + 1))) this.#terms.delete(other)
    }
    for (const oldest of this.#terms.keys()) {
      if (this.#terms.size < MODEL_GUESTS_MAX) break
      this.#terms.delete(oldest)
    }
  }
}
