/** What each round of each peer cost, at the peer's network port and through its connections. */
import type { ByteCount, Purpose, RoundBytes } from '../../../node/peer/byte-account.ts'
import type { Peer, PeerEvent } from '../../../node/peer/peer-types.ts'
import type { Libp2pNetwork } from '../../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { cohortAt, verifiersAt } from '../../../protocols/chain-cohorts.ts'
import type { ChainTip, RunContext } from '../../../protocols/chain-tip.ts'
import { rankMembers } from '../../../protocols/election.ts'
import { openMessage } from '../../../protocols/envelope.ts'
import { MESSAGE_PROTOCOL } from '../../../protocols/run-protocols.ts'
import type { TrafficCount, TrafficRecorder } from '../../../protocols/traffic.ts'

/** Everything that a peer has received and sent so far. */
export interface Tally {
  /** Above encryption and gossip's copies. */
  readonly port: RoundBytes
  /** Through its connections, with encryption, multiplexing and gossip's copies. */
  readonly wire: ByteCount
  /** Of them inside the encryption, by libp2p protocol. */
  readonly protocols: Readonly<Record<string, ByteCount>>
}

export interface PeerRound {
  readonly isVerifier: boolean
  readonly isAggregator: boolean
  readonly bytes: Tally
}

const NOTHING: ByteCount = { sent: 0, received: 0 }
const PURPOSES: readonly Purpose[] = ['maskedUpload', 'verification', 'control']

interface Place {
  readonly tip: ChainTip
  readonly tally: Tally
}

/** Counts from the founding list to a peer's first link, from there to its next, and the last round to the end of all. */
export class WireMeter {
  readonly said = new Said()
  readonly #run: RunContext
  readonly #places = new Map<Peer, Place[]>()

  constructor(run: RunContext) {
    this.#run = run
  }

  take(peer: Peer, network: Libp2pNetwork, event: PeerEvent): void {
    if (event.type === 'founded') this.#places.set(peer, [])
    else if (event.type !== 'link') return
    else if (event.kind !== 'result') throw new Error(`round ${event.link.round} ended as ${event.kind}`)
    this.said.counts = true
    this.#places.get(peer)!.push({ tip: event.tip, tally: tallyOf(peer, network) })
  }

  /** To be called once the network is quiet. */
  rounds(networks: ReadonlyMap<Peer, Libp2pNetwork>): PeerRound[] {
    const crypto = nodeCrypto()
    return [...this.#places].flatMap(([peer, places]) =>
      places.slice(1).map((after, i): PeerRound => {
        const { tip, tally } = places[i]!
        const network = networks.get(peer)!
        const end = i + 2 === places.length ? tallyOf(peer, network) : after.tally
        const cohort = cohortAt(tip, this.#run, crypto)
        return {
          isVerifier: verifiersAt(tip, this.#run, crypto).includes(network.peerId),
          isAggregator: rankMembers(cohort, tip.beacon, tip.attempt, crypto.sha256)[0] === network.peerId,
          bytes: difference(end, tally)
        }
      })
    )
  }
}

/** What is said, by type of message: once, however many copies the network makes. */
export class Said {
  counts = false
  readonly tally: Record<string, TrafficCount> = {}
  readonly recorder: TrafficRecorder = ({ direction, kind, label, bytes }) => {
    if (!this.counts || direction !== 'out') return
    const type = kind === 'gossip' || label === MESSAGE_PROTOCOL ? typeOf(bytes) : label
    const { messages, bytes: before } = this.tally[`${kind} ${type}`] ?? { messages: 0, bytes: 0 }
    this.tally[`${kind} ${type}`] = { messages: messages + 1, bytes: before + bytes.length }
  }
}

/** Of an envelope that this process has just signed. */
function typeOf(bytes: Uint8Array): string {
  return bytes.length === 0
    ? 'answer'
    : openMessage(bytes, { ...nodeCrypto(), ed25519Verify: () => true }).type
}

function tallyOf(peer: Peer, network: Libp2pNetwork): Tally {
  const { connections, protocols } = network.bytes().wire
  const count = ({ sentBytes: sent, receivedBytes: received }: typeof connections): ByteCount => ({
    sent,
    received
  })
  return {
    port: peer.status().bytes,
    wire: count(connections),
    protocols: Object.fromEntries([...protocols].map(([name, bytes]) => [name, count(bytes)]))
  }
}

function difference(after: Tally, before: Tally): Tally {
  const less = (a: ByteCount, b: ByteCount): ByteCount => ({
    sent: a.sent - b.sent,
    received: a.received - b.received
  })
  const port = Object.fromEntries(
    PURPOSES.map(purpose => [purpose, less(after.port[purpose], before.port[purpose])])
  )
  const protocols = Object.entries(after.protocols).map(([name, count]) => [
    name,
    less(count, before.protocols[name] ?? NOTHING)
  ])
  return {
    port: port as Record<Purpose, ByteCount>,
    wire: less(after.wire, before.wire),
    protocols: Object.fromEntries(protocols)
  }
}

/** Of many rounds of many peers. */
export function meanTally(tallies: readonly Tally[]): Tally {
  const mean = (of: (tally: Tally) => ByteCount | undefined): ByteCount => {
    const sum = (direction: keyof ByteCount): number =>
      tallies.reduce((total, tally) => total + (of(tally)?.[direction] ?? 0), 0)
    const { length } = tallies
    return { sent: Math.round(sum('sent') / length), received: Math.round(sum('received') / length) }
  }
  const names = [...new Set(tallies.flatMap(({ protocols }) => Object.keys(protocols)))].sort()
  return {
    port: Object.fromEntries(PURPOSES.map(purpose => [purpose, mean(({ port }) => port[purpose])])) as Record<
      Purpose,
      ByteCount
    >,
    wire: mean(({ wire }) => wire),
    protocols: Object.fromEntries(names.map(name => [name, mean(({ protocols }) => protocols[name])]))
  }
}
