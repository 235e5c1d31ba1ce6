/** Our metrics: what each is called, and how it follows from a report. docs/operations.md lists them. */
import type { MetricDefinition, MetricSample } from '../../platform/prometheus.ts'
import { healthOf } from './health.ts'
import type { Counts, Observer } from './observer.ts'
import type { NetworkReport, PeerReport, Report } from './report.ts'

interface Metric extends MetricDefinition {
  readonly values: (report: Report, observer: Observer) => readonly MetricSample[]
}

const one = (value: number): MetricSample[] => [{ labels: {}, value }]

const maybe = (value: number | null | undefined): MetricSample[] =>
  value === null || value === undefined ? [] : one(value)

const counted = (counts: Counts, label: string): MetricSample[] =>
  counts.entries().map(([key, value]) => ({ labels: { [label]: key }, value }))

const ofPeer = (report: Report): PeerReport | null => (report.kind === 'peer' ? report : null)

const directions = ['sent', 'received'] as const

export const METRICS: readonly Metric[] = [
  {
    name: 'fedpeft_info',
    type: 'gauge',
    help: 'Always 1; which peer this is, and of which run',
    labels: ['kind', 'peer', 'run'],
    values: report => [
      { labels: { kind: report.kind, peer: report.peer ?? '', run: ofPeer(report)?.run?.id ?? '' }, value: 1 }
    ]
  },
  {
    name: 'fedpeft_healthy',
    type: 'gauge',
    help: '1 if /healthz says ok, else 0',
    labels: [],
    values: report => one(healthOf(report).status === 'ok' ? 1 : 0)
  },
  {
    name: 'fedpeft_rounds_total',
    type: 'counter',
    help: 'Links that this process has seen certified, by kind: result, abort, lost, reconfiguration',
    labels: ['kind'],
    values: (_, { rounds }) => counted(rounds, 'kind')
  },
  {
    name: 'fedpeft_aborts_total',
    type: 'counter',
    help: 'Attempts that came to nothing, by reason',
    labels: ['reason'],
    values: (_, { aborts }) => counted(aborts, 'reason')
  },
  {
    name: 'fedpeft_completed_rounds',
    type: 'gauge',
    help: 'Rounds of the run that changed the adapter, by the chain',
    labels: [],
    values: report => maybe(ofPeer(report)?.completedRounds)
  },
  {
    name: 'fedpeft_planned_rounds',
    type: 'gauge',
    help: 'Rounds that the manifest asks for',
    labels: [],
    values: report => maybe(ofPeer(report)?.run?.rounds)
  },
  {
    name: 'fedpeft_phase',
    type: 'gauge',
    help: '1 for the phase that the peer is in',
    labels: ['phase'],
    values: report => {
      const phase = ofPeer(report)?.phase ?? null
      return phase === null ? [] : [{ labels: { phase }, value: 1 }]
    }
  },
  {
    name: 'fedpeft_phase_seconds',
    type: 'gauge',
    help: 'How long the peer has been in that phase',
    labels: [],
    values: report => {
      const since = ofPeer(report)?.phaseSince ?? null
      return since === null ? [] : one((Date.parse(report.at) - Date.parse(since)) / 1000)
    }
  },
  {
    name: 'fedpeft_paused',
    type: 'gauge',
    help: '1 if the run stands still until its author sets the members anew, else 0',
    labels: [],
    values: report => {
      const peer = ofPeer(report)
      return peer === null ? [] : one(peer.paused === null ? 0 : 1)
    }
  },
  {
    name: 'fedpeft_members',
    type: 'gauge',
    help: 'Members of the run: all, connected to this peer, silent in the last link, missing now',
    labels: ['state'],
    values: report => {
      const peer = ofPeer(report)
      if (peer === null) return []
      const { members, missing } = peer
      const count = (state: string, value: number): MetricSample => ({ labels: { state }, value })
      return [
        count('all', members.length),
        count('connected', members.filter(({ self, connection }) => self || connection !== null).length),
        count('silent', members.filter(({ silent }) => silent).length),
        count('missing', missing.length)
      ]
    }
  },
  {
    name: 'fedpeft_epsilon_spent',
    type: 'gauge',
    help: 'Differential privacy that the run has spent, an upper bound; absent in a run without noise',
    labels: [],
    values: report => maybe(ofPeer(report)?.privacySpent?.epsilon)
  },
  {
    name: 'fedpeft_bytes_total',
    type: 'counter',
    help: 'Bytes of the run above the encryption, by purpose: maskedUpload, verification, control',
    labels: ['purpose', 'direction'],
    values: report =>
      Object.entries(ofPeer(report)?.purposes ?? {}).flatMap(([purpose, count]) =>
        directions.map(direction => ({ labels: { purpose, direction }, value: count[direction] }))
      )
  },
  {
    name: 'fedpeft_wire_bytes_total',
    type: 'counter',
    help: 'Bytes inside the encryption by libp2p protocol; protocol "all" is what went through the sockets',
    labels: ['protocol', 'direction'],
    values: ({ network }) =>
      network === null
        ? []
        : [['all', network.bytes] as const, ...Object.entries(network.bytes.protocols)].flatMap(
            ([protocol, count]) =>
              directions.map(direction => ({ labels: { protocol, direction }, value: count[direction] }))
          )
  },
  {
    name: 'fedpeft_peers_connected',
    type: 'gauge',
    help: 'Connected peers that speak our protocols, by the transport of their best connection',
    labels: ['transport'],
    values: ({ network }) => (network === null ? [] : peersByTransport(network))
  },
  {
    name: 'fedpeft_relayed_connections',
    type: 'gauge',
    help: 'Connections that pass through a third peer',
    labels: [],
    values: ({ network }) => maybe(network?.connections.filter(({ relayed }) => relayed).length)
  },
  {
    name: 'fedpeft_relay_reservations',
    type: 'gauge',
    help: 'Peers that hold a place at this relay; absent where this is none',
    labels: [],
    values: ({ network }) => maybe(network?.relayedPeers?.length)
  },
  {
    name: 'fedpeft_offences_total',
    type: 'counter',
    help: 'What remote peers did that the network does not let pass, by reason',
    labels: ['reason'],
    values: (_, { offences }) => counted(offences, 'reason')
  },
  {
    name: 'fedpeft_refusals_total',
    type: 'counter',
    help: 'Messages of members that the round refused, by what they were',
    labels: ['what'],
    values: (_, { refusals }) => counted(refusals, 'what')
  },
  {
    name: 'fedpeft_runs_listed',
    type: 'gauge',
    help: 'Runs on the list of a coordinator',
    labels: [],
    values: report => (report.kind === 'bootstrap' ? one(report.runs.length) : [])
  },
  {
    name: 'fedpeft_run_members',
    type: 'gauge',
    help: 'Members that a coordinator has heard of lately, by run',
    labels: ['run'],
    values: report =>
      report.kind === 'bootstrap'
        ? report.runs.map(({ id: run, members }) => ({ labels: { run }, value: members.length }))
        : []
  },
  {
    name: 'fedpeft_cached_runs',
    type: 'gauge',
    help: 'Runs of which a coordinator keeps the whole chain and its newest state, or a part of it',
    labels: ['state'],
    values: report => {
      if (report.kind === 'peer') return []
      const kept = report.runs.flatMap(({ cached }) =>
        cached === null || cached.height === null ? [] : [cached]
      )
      const whole = kept.filter(cached => cached.whole).length
      return [
        { labels: { state: 'whole' }, value: whole },
        { labels: { state: 'part' }, value: kept.length - whole }
      ]
    }
  },
  {
    name: 'fedpeft_cache_bytes',
    type: 'gauge',
    help: 'Memory that a coordinator keeps chains and states in',
    labels: [],
    values: report => (report.kind === 'bootstrap' ? one(report.cachedBytes) : [])
  }
]

export function samplesOf(report: Report, observer: Observer): ReadonlyMap<string, readonly MetricSample[]> {
  return new Map(METRICS.map(({ name, values }) => [name, values(report, observer)]))
}

function peersByTransport({ connected, connections }: NetworkReport): MetricSample[] {
  const counts = new Map<string, number>()
  for (const peer of connected) {
    const theirs = connections.filter(connection => connection.peer === peer)
    const transport = (theirs.find(({ relayed }) => !relayed) ?? theirs[0])?.transport
    if (transport !== undefined) counts.set(transport, (counts.get(transport) ?? 0) + 1)
  }
  return [...counts].map(([transport, value]) => ({ labels: { transport }, value }))
}
