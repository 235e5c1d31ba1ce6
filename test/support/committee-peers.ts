/** Whole peers whose rounds a committee verifies. */
import { ADDRESS_BYTES, BLOB_PROTOCOL } from '../../protocols/blob-messages.ts'
import { verifiersAt } from '../../protocols/chain-cohorts.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { type MessageType, openMessage, sealMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Network } from '../../protocols/ports.ts'
import { type TestMember, testRun } from './chains.ts'
import { PeerCluster, type PeerClusterOptions, type PeerLife } from './peer-cluster.ts'

/** Seven peers, four of whom verify. */
export function committeePeers(options: Partial<PeerClusterOptions> = {}) {
  /** Blobs asked for: `peer address` -> how often. */
  const asked = new Map<string, number>()
  const cluster = new PeerCluster({
    founders: 7,
    recorder:
      peer =>
      ({ direction, kind, label, bytes }) => {
        if (direction !== 'out' || kind !== 'request' || label !== BLOB_PROTOCOL) return
        const key = `${peer} ${toHex(bytes.subarray(0, ADDRESS_BYTES))}`
        asked.set(key, (asked.get(key) ?? 0) + 1)
      },
    ...options,
    manifest: { secureSum: { verifiers: 4 }, ...options.manifest }
  })
  const committeeAfter = (tip: ChainTip) => verifiersAt(tip, cluster.run.run, cluster.run.crypto)
  return { cluster, asked, committeeAfter }
}

/** The tips that a peer has stood at, by height. */
export function tipsOf({ events }: PeerLife): Map<number, ChainTip> {
  const tips = events.flatMap(event =>
    event.type === 'founded' || event.type === 'link' || event.type === 'caught-up' ? [event.tip] : []
  )
  return new Map(tips.map(tip => [tip.height, tip]))
}

const { crypto } = testRun(4)

/** A network on which a member says something else than it would, in messages of one type. */
export function rewordedNetwork(
  network: Network,
  { signer }: TestMember,
  type: MessageType,
  reword: (payload: Uint8Array) => Uint8Array
): Network {
  return {
    ...network,
    peerId: network.peerId,
    publish(topic, data) {
      const message = openMessage(data, crypto)
      if (message.type !== type) return network.publish(topic, data)
      const payload = reword(message.payload)
      return network.publish(topic, sealMessage(type, message.context, payload, signer, crypto).bytes)
    }
  }
}
