/** The runs of the wire part, one process after the other, and what is shown of them. */
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import { runForJson } from '../child.ts'
import type { WireResult } from './wire.ts'
import type { WireSetting } from './wire-run.ts'

export interface WireOptions {
  /** Sizes of the cohort. */
  readonly peers: readonly number[]
  /** Numbers in the adapter. */
  readonly d: number
  say(line: string): void
}

const COMMITTEE = 7

/** The size at which a committee is held against a server that moves the full model. */
const COMPARED_PEERS = 16

/** Few, as it is the same bytes over real sockets. */
const TCP_PEERS = 4

export function wireSettings({ peers, d }: Pick<WireOptions, 'peers' | 'd'>): WireSetting[] {
  const memory = { strategy: 'ffa', d, transport: 'memory', rounds: 1 } as const
  const settings: WireSetting[] = peers.flatMap(n => [
    { ...memory, peers: n, verifiers: 'everyone' as const },
    ...(n > COMMITTEE ? [{ ...memory, peers: n, verifiers: COMMITTEE }] : [])
  ])
  if (peers.includes(TCP_PEERS))
    settings.push({ ...memory, peers: TCP_PEERS, verifiers: 'everyone', transport: 'tcp', rounds: 3 })
  if (peers.includes(COMPARED_PEERS))
    settings.push({ ...memory, peers: COMPARED_PEERS, verifiers: COMMITTEE, strategy: 'rolora' })
  return settings
}

export async function measureWire(options: WireOptions): Promise<WireResult[]> {
  const program = fileURLToPath(new URL('./wire-child.ts', import.meta.url))
  const results: WireResult[] = []
  for (const setting of wireSettings(options)) {
    options.say(`wire: ${nameOf(setting)}`)
    results.push(await runForJson<WireResult>(process.execPath, [program, JSON.stringify(setting)]))
  }
  return results
}

function nameOf({ peers, verifiers, strategy, transport }: WireSetting): string {
  const who = verifiers === 'everyone' ? 'everyone verifies' : `a committee of ${verifiers}`
  return `${peers} peers, ${who}, ${strategy}, ${transport}`
}

export function wireTable(results: readonly WireResult[]): string {
  const rows = new Table({
    head: ['MB received', 'all', 'least', 'ratio', 'verifier', 'other', 'control', 'gossip', 'transport'],
    style: { head: [], border: [] }
  })
  const mb = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(2))
  for (const result of results)
    rows.push([
      nameOf(result),
      ...[mb(result.bytesPerPeerPerRound), mb(result.leastBytes), result.ratioToLeast.toFixed(3)],
      ...[mb(result.roles.verifier.received), mb(result.roles.other?.received)],
      mb(result.purposes.control.received),
      ...[percent(result.overhead.gossipShare), percent(result.overhead.transportShare)]
    ])
  return rows.toString()
}

/** Both ways of counting, whichever meets a goal. */
export function fullModelLines(results: readonly WireResult[]): string[] {
  return results
    .filter(({ verifiers, peers }) => verifiers !== 'everyone' && peers === COMPARED_PEERS)
    .map(
      result =>
        `${nameOf(result)}, ${result.summed} of ${result.d} numbers summed: ${result.fullModel.timesLess.toFixed(0)} times less ` +
        `than ${(result.fullModel.bytes / 1e6).toFixed(0)} MB of ${result.fullModel.model} there and back, each byte counted once; ` +
        `${result.fullModel.timesLessBothWays.toFixed(0)} times less with what a peer sends and what it receives added up`
    )
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
