import type {
  BootstrapReport,
  MemberReport,
  NetworkReport,
  PeerReport,
  ProcessReport
} from '../../node/cli/observe/report.ts'

export const AT = '2026-03-01T12:00:00.000Z'

const process: ProcessReport = {
  at: AT,
  startedAt: '2026-03-01T09:00:00.000Z',
  uptimeSeconds: 10_800,
  pid: 4321,
  peer: 'self-id',
  network: null,
  reasons: []
}

export const networkReport: NetworkReport = {
  addresses: ['/ip4/203.0.113.7/tcp/4001/p2p/self-id'],
  observedAddresses: ['/ip4/203.0.113.7/tcp/4001', '/ip4/198.51.100.1/tcp/9999'],
  connected: ['peer-b', 'peer-c'],
  aloneSince: null,
  connections: [
    connection('peer-b', 'tcp', true),
    connection('peer-b', 'webrtc', false),
    connection('peer-c', 'tcp', true)
  ],
  relayedPeers: null,
  bytes: { sent: 5_000, received: 7_000, protocols: { '/meshsub/1.2.0': { sent: 100, received: 200 } } }
}

function connection(
  peer: string,
  transport: 'tcp' | 'webrtc',
  relayed: boolean
): NetworkReport['connections'][number] {
  return { peer, address: `/ip4/198.51.100.2/tcp/1`, transport, relayed, direction: 'inbound', sinceMs: 0 }
}

export function memberReport(peer: string, more: Partial<MemberReport> = {}): MemberReport {
  return {
    peer,
    self: false,
    author: false,
    aggregator: false,
    inCohort: true,
    connection: null,
    transport: null,
    silent: false,
    keys: false,
    shares: false,
    input: 'none',
    opening: false,
    lostSecrets: false,
    ...more
  }
}

export function peerReport(more: Partial<PeerReport> = {}): PeerReport {
  return {
    kind: 'peer',
    ...process,
    network: networkReport,
    run: {
      id: 'ab'.repeat(32),
      name: 'our run',
      author: 'peer-b',
      model: 'embedded',
      rounds: 20,
      founders: 4
    },
    condition: 'running',
    round: 2,
    attempt: 0,
    phase: 'LocalTraining',
    phaseSince: '2026-03-01T11:59:48.000Z',
    deadline: '2026-03-01T12:01:30.000Z',
    aggregator: 'peer-c',
    paused: null,
    missing: [],
    completedRounds: 2,
    height: 2,
    end: null,
    stateSha256: 'cd'.repeat(32),
    members: [
      memberReport('self-id', { self: true, keys: true, shares: true }),
      memberReport('peer-b', {
        author: true,
        connection: 'direct',
        transport: 'webrtc',
        keys: true,
        input: 'held'
      }),
      memberReport('peer-c', { aggregator: true, connection: 'relayed', transport: 'tcp' }),
      memberReport('peer-d', { silent: true })
    ],
    purposes: {
      maskedUpload: { sent: 1_000, received: 0 },
      verification: { sent: 2_000, received: 3_000 },
      control: { sent: 10, received: 20 }
    },
    privacySpent: { epsilon: 1.5, delta: 1e-5 },
    ...more
  }
}

export function bootstrapReport(more: Partial<BootstrapReport> = {}): BootstrapReport {
  return { kind: 'bootstrap', ...process, network: networkReport, runs: [], cachedBytes: 0, ...more }
}
