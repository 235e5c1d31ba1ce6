/** Whether a process needs somebody to look at it. */
import type { BootstrapReport, PeerReport } from './report.ts'

/** Long enough for a redial after a network change, and for the others to start. */
const ALONE_MS = 120_000

export interface Health {
  readonly status: 'ok' | 'wrong'
  /** What is wrong, in words; none if nothing is. */
  readonly problems: readonly string[]
}

export function healthOf(report: PeerReport | BootstrapReport): Health {
  const problems = report.kind === 'peer' ? problemsOfPeer(report) : problemsOfBootstrap(report)
  return { status: problems.length === 0 ? 'ok' : 'wrong', problems }
}

function problemsOfPeer({ condition, paused, network, at, reasons }: PeerReport): string[] {
  const problems: string[] = []
  if (condition === 'failed')
    problems.push(reasons.find(({ level }) => level === 'error')?.reason ?? 'failed')
  if (paused !== null) problems.push(paused)
  const isDone = condition === 'finished' || condition === 'stopped'
  const aloneSince = network?.aloneSince ?? null
  if (!isDone && aloneSince !== null && Date.parse(at) - Date.parse(aloneSince) >= ALONE_MS)
    problems.push('connected to no other peer')
  return problems
}

function problemsOfBootstrap({ network }: BootstrapReport): string[] {
  if (network === null) return []
  return network.addresses.length === 0 ? ['listens at no address'] : []
}
