/** Bytes of a round on the wire, beside the least that its way of verifying needs and beside a server that moves the full model. */
import type { ByteCount, RoundBytes } from '../../../node/peer/byte-account.ts'
import { BLOB_PROTOCOL } from '../../../protocols/blob-messages.ts'
import type { TrafficCount } from '../../../protocols/traffic.ts'
import { verificationBytes, verifierCount } from '../../../protocols/verification-bytes.ts'
import { fullModelRoundBytes, smolLm2 } from '../../../sim/cost.ts'
import { meanTally, type PeerRound } from './wire-meter.ts'
import type { WireRun, WireSetting } from './wire-run.ts'

/** Means over peers and rounds, in bytes. */
export interface WireResult extends WireSetting {
  /** Numbers that a round sums. */
  readonly summed: number
  readonly bodyBytes: number
  /** Received through the connections. Every byte received was sent by somebody, so as much is sent on average. */
  readonly bytesPerPeerPerRound: number
  readonly sentPerPeerPerRound: number
  /** Received, on average: n - 1 bodies by each verifier, one sum by everyone else. */
  readonly leastBytes: number
  readonly ratioToLeast: number
  /** To n - 1 bodies for everyone, which is the least where everyone verifies. */
  readonly ratioToAllBodies: number
  /** At the port, above encryption and gossip's copies. */
  readonly purposes: RoundBytes
  readonly overhead: WireOverhead
  readonly roles: {
    readonly verifier: ByteCount
    /** Null where everyone verifies. */
    readonly other: ByteCount | null
    readonly aggregator: ByteCount
  }
  /** What each peer says, by type of message; each message once. */
  readonly said: Readonly<Record<string, TrafficCount>>
  readonly fullModel: FullModel
  readonly seconds: number
}

/** Received beyond what the peer takes at its port. */
export interface WireOverhead {
  /** Of gossipsub, above the messages themselves: copies, its envelopes, and what it says for itself. */
  readonly gossip: number
  /** Encryption, multiplexing, and libp2p's own protocols. */
  readonly transport: number
  /** Of all bytes received. */
  readonly gossipShare: number
  readonly transportShare: number
}

/** Beside a server that sends every client the full model in 32-bit floats and gets it back. */
export interface FullModel {
  readonly model: string
  /** Download and upload of one client. */
  readonly bytes: number
  /** Each byte on the network counted once: there at the client, here where it is received. */
  readonly timesLess: number
  /** Sent and received by a peer, added up. */
  readonly timesLessBothWays: number
}

const GOSSIP_PROTOCOL = /^\/meshsub\//

export function wireResult(setting: WireSetting, run: WireRun): WireResult {
  const { peers, d, strategy } = setting
  const { bodyBytes, rounds, seconds } = run
  const all = meanOf(rounds)!
  const verifiers = verifierCount(setting.verifiers, peers)
  const { mean: leastBytes } = verificationBytes({
    members: peers,
    verifiers,
    bodyBytes,
    newsBytes: bodyBytes
  })
  const { received, sent } = all.wire
  const bytes = fullModelRoundBytes(smolLm2.parameters)
  const others = rounds.filter(({ isVerifier }) => !isVerifier)
  return {
    ...setting,
    summed: strategy === 'ffa' ? d : Math.floor(d / 2),
    bodyBytes,
    bytesPerPeerPerRound: received,
    sentPerPeerPerRound: sent,
    leastBytes,
    ratioToLeast: received / leastBytes,
    ratioToAllBodies: received / ((peers - 1) * bodyBytes),
    purposes: all.port,
    overhead: overheadOf(rounds),
    roles: {
      verifier: meanOf(rounds.filter(({ isVerifier }) => isVerifier))!.wire,
      other: meanOf(others)?.wire ?? null,
      aggregator: meanOf(rounds.filter(({ isAggregator }) => isAggregator))!.wire
    },
    said: perPeerRound(run),
    fullModel: {
      model: smolLm2.name,
      bytes,
      timesLess: bytes / received,
      timesLessBothWays: bytes / (received + sent)
    },
    seconds
  }
}

function meanOf(rounds: readonly PeerRound[]) {
  return rounds.length === 0 ? null : meanTally(rounds.map(({ bytes }) => bytes))
}

function overheadOf(rounds: readonly PeerRound[]): WireOverhead {
  const { port, wire, protocols } = meanOf(rounds)!
  const through = (holds: (protocol: string) => boolean): number =>
    Object.entries(protocols).reduce((sum, [name, { received }]) => sum + (holds(name) ? received : 0), 0)
  const gossiped = through(name => GOSSIP_PROTOCOL.test(name))
  const asked = through(name => name.startsWith('/fedpeft/') && name !== BLOB_PROTOCOL)
  // What is control at the port came by gossip, or by requests whose frames are all but free.
  const gossip = gossiped + asked - port.control.received
  const taken = port.maskedUpload.received + port.verification.received + port.control.received
  const transport = wire.received - taken - gossip
  return {
    gossip,
    transport,
    gossipShare: gossip / wire.received,
    transportShare: transport / wire.received
  }
}

function perPeerRound({ said, rounds }: WireRun): Record<string, TrafficCount> {
  const mean = ([type, { messages, bytes }]: [string, TrafficCount]) => [
    type,
    { messages: messages / rounds.length, bytes: Math.round(bytes / rounds.length) }
  ]
  return Object.fromEntries(Object.entries(said).map(mean))
}
