/**
 * gossipsub's reading of what a peer sends, so that nothing passes in silence: it drops what is malformed and goes on,
 * and takes in and passes on messages of topics that nobody here has subscribed to.
 */
import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { PeerGuard } from './peer-guard.ts'

interface Rpc {
  readonly subscriptions?: readonly unknown[]
  messages: Array<{ readonly topic: string }>
  readonly control?: {
    readonly ihave?: readonly Ids[]
    readonly iwant?: readonly Ids[]
    readonly idontwant?: readonly Ids[]
    readonly graft?: readonly unknown[]
    readonly prune?: readonly unknown[]
  }
}

interface Ids {
  readonly messageIDs?: readonly unknown[]
}

/** Private parts of a pinned version; test/node/platform/guard/gossip-reader.test.ts fails if they change. */
interface Inner {
  decodeRpc(bytes: Uint8Array): Rpc
  handleReceivedRpc(from: Libp2pPeerId, rpc: Rpc): Promise<void>
  handlePeerReadStreamError(error: Error, from: Libp2pPeerId): void
  pipePeerReadStream(from: Libp2pPeerId, source: AsyncIterable<Uint8ArrayList>): Promise<void>
  readonly score: { rejectInvalidMessage(from: string, topic: string): void }
}

export function guardGossip(pubsub: GossipSub, guard: PeerGuard): void {
  const inner = pubsub as unknown as Inner
  const rejectInvalidMessage = inner.score.rejectInvalidMessage.bind(inner.score)
  // Of what is not signed as it should be; the topic's validator never hears of it.
  inner.score.rejectInvalidMessage = (from, topic) => {
    guard.offend(from, 'invalid-gossip', 'not signed by its publisher')
    rejectInvalidMessage(from, topic)
  }
  inner.pipePeerReadStream = async (from, source) => {
    const peer = from.toString()
    try {
      for await (const bytes of source) {
        const rpc = decoded(inner, bytes)
        if (rpc === null) {
          guard.offend(peer, 'malformed-gossip')
          continue
        }
        if (!guard.admitsControl(peer, controlCount(rpc))) continue
        const topics = new Set(pubsub.getTopics())
        rpc.messages = rpc.messages.filter(({ topic }) => {
          if (topics.has(topic)) return guard.admitsGossip(peer)
          guard.strayed(peer)
          return false
        })
        // Not awaited: a verdict may take seconds, and whatever fails here is a fault of our own.
        inner.handleReceivedRpc(from, rpc).catch(() => {})
      }
    } catch (error) {
      if (error instanceof Error && /^InvalidDataLength/.test(error.name)) {
        guard.offend(peer, 'oversized-frame', 'of gossip')
      }
      inner.handlePeerReadStreamError(error as Error, from)
    }
  }
}

function controlCount({ subscriptions, control }: Rpc): number {
  const { ihave, iwant, idontwant, graft, prune } = control ?? {}
  const lists = [ihave, iwant, idontwant].flatMap(list => list ?? [])
  const ids = lists.reduce((sum, { messageIDs }) => sum + 1 + (messageIDs?.length ?? 0), 0)
  return ids + (subscriptions?.length ?? 0) + (graft?.length ?? 0) + (prune?.length ?? 0)
}

function decoded(inner: Inner, bytes: Uint8ArrayList): Rpc | null {
  try {
    return inner.decodeRpc(bytes.subarray())
  } catch {
    return null
  }
}
