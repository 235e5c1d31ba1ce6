/** Dealers that deal otherwise than they should. */
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import { shareKey } from '../../aggregation/mask.ts'
import { shareAssociatedData } from '../../node/round/round-state.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Context, ShareAck, ShareKeys } from '../../protocols/messages.js'
import { type Liar, type LiarOptions, reworded, saidIn, saying } from './liars.ts'

type Shares = ShareKeys['shares']

/**
 * The liar deals these instead of its true shares, in the first round (or all that are named), and acknowledges them
 * itself: only so can it get into U2 with them.
 */
export function dealing(
  change: (shares: Shares, liar: Liar, message: SignedMessage) => Shares,
  rounds: readonly number[] = [0]
): Pick<LiarOptions, 'lie'> {
  const dealt = new Map<string, Uint8Array>()
  return {
    lie(effect, liar) {
      const ack = saidIn(effect, 'share-ack')
      if (ack !== null) {
        const dealers = ShareAck.decode(ack.payload).dealers.map(ref => ({
          ...ref,
          hash: dealt.get(toHex(ref.hash)) ?? ref.hash
        }))
        return [saying(effect, reworded(liar, ack, { payload: ShareAck.encode({ dealers }) }))]
      }
      const message = saidIn(effect, 'share-keys')
      if (message === null || !rounds.includes(liar.attempt.round)) return null
      const shares = change(ShareKeys.decode(message.payload).shares, liar, message)
      const other = reworded(liar, message, { payload: ShareKeys.encode({ shares }) })
      dealt.set(toHex(message.hash), other.hash)
      return [saying(effect, other)]
    }
  }
}

/** Roster indices of everyone but the liar. */
export function othersOf({ attempt, peer }: Liar): number[] {
  return attempt.roster!.flatMap((entry, index) => (entry.peer === peer.id ? [] : [index]))
}

export function ownIndexOf({ attempt, peer }: Liar): number {
  return attempt.roster!.findIndex(entry => entry.peer === peer.id)
}

/** What a share may be bound to that is not what it should be. */
export interface Misbinding {
  readonly context?: Partial<Context>
  readonly from?: number
  readonly to?: number
  readonly data?: Uint8Array
  /** Sealed with the key of the other direction. */
  readonly isReflected?: boolean
}

/** A share for one roster index, its hashes right for what is in it, sealed for that member unless `wrong` says otherwise. */
export function shareFor(
  liar: Liar,
  message: SignedMessage,
  index: number,
  [seedShare, keyShare]: readonly [Uint8Array, Uint8Array],
  wrong: Misbinding = {}
): Shares[number] {
  const { attempt, peer, cluster } = liar
  const { crypto } = cluster
  const entry = attempt.roster![index]!
  const there = { fromId: peer.id, toId: entry.peer }
  const key = shareKey(
    crypto,
    attempt.secrets!.encryptionSecret,
    entry.encryptionKey,
    wrong.isReflected ? { fromId: there.toId, toId: there.fromId } : there,
    message.context.rosterHash
  )
  const context = Context.encode({ ...message.context, ...wrong.context })
  const data = wrong.data ?? shareAssociatedData(context, wrong.from ?? ownIndexOf(liar), wrong.to ?? index)
  const hash = (kind: string, share: Uint8Array) =>
    crypto.sha256(lengthPrefixed('share-hash', kind, peer.id, index + 1, share))
  return {
    sealed: crypto.gcmSeal(key, new Uint8Array(12), Uint8Array.of(...seedShare, ...keyShare), data),
    seedShareHash: hash('seed', seedShare),
    keyShareHash: hash('key', keyShare)
  }
}
