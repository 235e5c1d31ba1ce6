/** What `status`, `/healthz`, `/metrics` and the status page all say: one object, made when somebody asks. */
import type { PrivacySpent } from '../../../aggregation/replicated-state.ts'
import type { RunEnd } from '../../../protocols/chain-tip.ts'
import { toHex } from '../../../protocols/hex.ts'
import type { PeerId } from '../../../protocols/ports.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import type { RoundBytes } from '../../peer/byte-account.ts'
import type { PeerCondition, PeerStatus } from '../../peer/peer-types.ts'
import type { ConnectionReport, Transport } from '../../platform/connection-report.ts'
import type { Libp2pNetwork } from '../../platform/libp2p-network.ts'
import { bytesText } from '../join/words.ts'
import type { Reason } from './observer.ts'

/** Of every process of ours that runs from a folder. */
export interface ProcessReport {
  /** ISO 8601. */
  readonly at: string
  readonly startedAt: string
  readonly uptimeSeconds: number
  readonly pid: number
  /** This peer's id; null until its identity is open. */
  readonly peer: PeerId | null
  /** Null before it is in the network. */
  readonly network: NetworkReport | null
  /** The last ones, newest first. */
  readonly reasons: readonly Reason[]
}

export interface NetworkReport {
  /** Where others can dial it, with its id. */
  readonly addresses: readonly string[]
  /** Where others say that they see it. */
  readonly observedAddresses: readonly string[]
  /** Peers that speak our protocols. */
  readonly connected: readonly PeerId[]
  /** Since when there is none; null if there is one. */
  readonly aloneSince: string | null
  readonly connections: readonly ConnectionReport[]
  /** Who holds a place at this relay; null if it is none. */
  readonly relayedPeers: readonly PeerId[] | null
  readonly bytes: WireReport
}

/** Bytes on the wire: all of it, and inside the encryption by libp2p protocol. */
export interface WireReport {
  readonly sent: number
  readonly received: number
  readonly protocols: Readonly<Record<string, { readonly sent: number; readonly received: number }>>
}

export interface RunReport {
  readonly id: string
  readonly name: string
  readonly author: PeerId
  readonly model: string
  readonly rounds: number
  /** Members with which it begins. */
  readonly founders: number
}

export interface PeerReport extends ProcessReport {
  readonly kind: 'peer'
  readonly run: RunReport | null
  /** `preparing` until the peer takes part: it reads its model, or looks for the others. */
  readonly condition: PeerCondition | 'preparing'
  readonly round: number | null
  readonly attempt: number | null
  readonly phase: string | null
  readonly phaseSince: string | null
  /** When the phase may end with less than everything; null where nothing is due. */
  readonly deadline: string | null
  readonly aggregator: PeerId | null
  /** In words: the run, until its author sets its members anew, or this peer, while its disk is full. */
  readonly paused: string | null
  /** Who is waited for, or was missing when the run paused. */
  readonly missing: readonly PeerId[]
  readonly completedRounds: number | null
  readonly height: number | null
  /** Why the run is over, if it is. */
  readonly end: RunEnd | null
  /** Content address of the global adapter and the optimizer's moments: the same at every peer. */
  readonly stateSha256: string | null
  readonly members: readonly MemberReport[]
  /** Above the encryption, by purpose, since the start. */
  readonly purposes: RoundBytes | null
  readonly privacySpent: PrivacySpent | null
}

/** Of a coordinator: the runs that it lists. */
export interface BootstrapReport extends ProcessReport {
  readonly kind: 'bootstrap'
  readonly runs: readonly ListedRunReport[]
  /** Of all that is kept of the runs. */
  readonly cachedBytes: number
}

export interface ListedRunReport extends RunReport {
  /** Heard of lately, by what they say of themselves. */
  readonly members: ReadonlyArray<{
    readonly peer: PeerId
    readonly heardAt: string
    /** Of its chain; -1 before the founding. */
    readonly height: number
    readonly phase: string | null
  }>
  /** What is kept of the run, checked; null if nothing is. `whole`: the state after the last link too. */
  readonly cached: {
    readonly height: number | null
    readonly completedRounds: number
    readonly members: number
    readonly whole: boolean
    readonly bytes: number
  } | null
}

export type Report = PeerReport | BootstrapReport

export interface MemberReport {
  readonly peer: PeerId
  readonly self: boolean
  readonly author: boolean
  readonly aggregator: boolean
  /** In the cohort of the round under way. */
  readonly inCohort: boolean
  readonly connection: 'direct' | 'relayed' | null
  readonly transport: Transport | null
  /** Had no part in the last link that it could have been in. */
  readonly silent: boolean
  /** As far as this peer knows, of the attempt under way. */
  readonly keys: boolean
  readonly shares: boolean
  readonly input: 'none' | 'announced' | 'held'
  readonly opening: boolean
  readonly lostSecrets: boolean
}

export function networkReportOf(network: Libp2pNetwork, aloneSinceMs: number | null): NetworkReport {
  const { wire } = network.bytes()
  const protocols = [...wire.protocols].map(
    ([protocol, { sentBytes, receivedBytes }]) =>
      [protocol, { sent: sentBytes, received: receivedBytes }] as const
  )
  return {
    addresses: network.addresses(),
    observedAddresses: network.observedAddresses(),
    connected: network.peers(),
    aloneSince: isoOf(aloneSinceMs),
    connections: network.connections(),
    relayedPeers: network.relayedPeers(),
    bytes: {
      sent: wire.connections.sentBytes,
      received: wire.connections.receivedBytes,
      protocols: Object.fromEntries(protocols)
    }
  }
}

export function runReportOf(id: string, { name, author, model, rounds, cohort }: RunManifest): RunReport {
  return { id, name, author, model: model.source, rounds, founders: cohort.founders }
}

/** What is the run's, of a peer that takes part in it. */
export function peerReportOf(
  process: ProcessReport,
  run: RunReport | null,
  status: PeerStatus | null
): PeerReport {
  const tip = status?.tip ?? null
  return {
    kind: 'peer',
    ...process,
    run,
    condition: status?.condition ?? 'preparing',
    round: status?.round ?? null,
    attempt: status?.attempt ?? null,
    phase: status?.phase ?? null,
    phaseSince: isoOf(status?.phaseSinceMs),
    deadline: isoOf(status?.progress?.dueMs),
    aggregator: status?.aggregator ?? null,
    paused: pauseIn(status),
    missing: status?.missing ?? [],
    completedRounds: tip?.completedRounds ?? (status === null ? null : 0),
    height: tip?.height ?? null,
    end: tip?.end ?? null,
    stateSha256: tip === null ? null : toHex(tip.stateHash),
    members: status === null ? [] : membersOf(status, run, process.network),
    purposes: status?.bytes ?? null,
    privacySpent: status?.privacySpent ?? null
  }
}

function pauseIn(status: PeerStatus | null): string | null {
  if (status?.diskFull === undefined) return status?.paused ?? null
  const { message, neededBytes } = status.diskFull
  return `the disk is full: ${message}; with ${bytesText(neededBytes)} free this peer goes on by itself`
}

function membersOf(status: PeerStatus, run: RunReport | null, network: NetworkReport | null): MemberReport[] {
  const { members, progress, tip, self, cohort, aggregator } = status
  // Before the founding nobody is a member yet: those who have said that they want to be.
  const listed = tip === null ? [...new Set([self, ...(progress?.registered ?? [])])] : members
  return listed.toSorted().map(peer => {
    const connection = bestConnection(network?.connections ?? [], peer)
    return {
      peer,
      self: peer === self,
      author: peer === run?.author,
      aggregator: peer === aggregator,
      inCohort: cohort.includes(peer),
      connection: connection === null ? null : connection.relayed ? 'relayed' : 'direct',
      transport: connection?.transport ?? null,
      silent: tip?.silent.includes(peer) ?? false,
      keys: progress?.keys.includes(peer) ?? false,
      shares: progress?.shares.includes(peer) ?? false,
      input: inputOf(peer, status),
      opening: progress?.openings.includes(peer) ?? false,
      lostSecrets: progress?.withoutSecrets.includes(peer) ?? false
    }
  })
}

/** One's own is here as soon as it is announced. */
function inputOf(peer: PeerId, { announced, held, self }: PeerStatus): MemberReport['input'] {
  if (held.includes(peer)) return 'held'
  if (!announced.includes(peer)) return 'none'
  return peer === self ? 'held' : 'announced'
}

/** A direct one before a relayed one: that is the one which is used. */
function bestConnection(connections: readonly ConnectionReport[], peer: PeerId): ConnectionReport | null {
  const theirs = connections.filter(connection => connection.peer === peer)
  return theirs.find(({ relayed }) => !relayed) ?? theirs[0] ?? null
}

function isoOf(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString()
}
