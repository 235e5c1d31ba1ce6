/** A report in words, for a terminal of some hundred columns. */
import type { RunEnd } from '../../../protocols/chain-tip.ts'
import type { PeerId } from '../../../protocols/ports.ts'
import { bytesText, shortPeer } from '../join/words.ts'
import { spentText } from '../privacy/run-privacy.ts'
import { healthOf } from './health.ts'
import type {
  BootstrapReport,
  MemberReport,
  NetworkReport,
  PeerReport,
  ProcessReport,
  Report,
  RunReport
} from './report.ts'

/** The newest reasons are what a person looks for; --json has them all. */
const REASONS_SHOWN = 10

export function statusText(report: Report): string {
  const parts = report.kind === 'peer' ? peerParts(report) : bootstrapParts(report)
  const { problems } = healthOf(report)
  const wrong = problems.map(problem => `WRONG: ${problem}`)
  return `${[wrong, ...parts, networkLines(report), reasonLines(report), [processLine(report)]]
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')}\n`
}

function peerParts(report: PeerReport): string[][] {
  const { run, members, condition, missing, privacySpent, end } = report
  if (run === null) return [['this peer is preparing: it has not come to its run yet']]
  const head = [`run "${run.name}" ${run.id}`, `  by ${run.author}, base model ${run.model}`]
  if (condition === 'preparing' || condition === 'starting') head.push(`  ${condition}`)
  else head.push(`  ${whereText(report, run)}`)
  if (end !== null) head.push(`  over: ${endWords[end]}`)
  if (report.stateSha256 !== null) {
    const { completedRounds, height, stateSha256 } = report
    head.push(`  ${completedRounds} of ${run.rounds} rounds done, link ${height}, state ${stateSha256}`)
  }
  if (privacySpent !== null) head.push(`  privacy spent: ${spentText(privacySpent)}`)
  for (const peer of missing) head.push(`  waiting for ${peer}`)
  return [head, memberLines(members)]
}

const endWords: Readonly<Record<RunEnd, string>> = {
  rounds: 'all rounds are done',
  privacy: 'the privacy budget is used up',
  author: 'its author has ended it'
}

function whereText(report: PeerReport, { rounds, founders }: RunReport): string {
  const { phase, round, attempt, phaseSince, deadline, aggregator, at, condition } = report
  const again = attempt === null || attempt === 0 ? '' : `, attempt ${attempt + 1}`
  const since = phaseSince === null ? '' : ` for ${ageText(at, phaseSince)}`
  const until = deadline === null ? '' : `, until ${clockText(deadline)} (${untilText(at, deadline)})`
  const leads = aggregator === null ? '' : `, aggregator ${shortPeer(aggregator)}`
  if (phase === 'WaitingForMembers' && report.height === null)
    return `${phase}${since}: ${report.members.length} of ${founders} are here`
  const place = phase === 'Finished' ? '' : `round ${(round ?? 0) + 1} of ${rounds}${again}: `
  return `${condition === 'running' ? '' : `${condition}; `}${place}${phase}${since}${until}${leads}`
}

function memberLines(members: readonly MemberReport[]): string[] {
  if (members.length === 0) return []
  const connected = members.filter(({ self, connection }) => !self && connection !== null).length
  const rows = members.map(member => [nameOf(member), reachOf(member), saidOf(member), remarksOf(member)])
  return [`${members.length} members, ${connected} connected:`, ...columns(rows)]
}

function nameOf({ peer, self }: MemberReport): string {
  return self ? 'this peer' : shortPeer(peer)
}

function reachOf({ self, connection, transport }: MemberReport): string {
  if (self) return ''
  return connection === null ? 'not connected' : `${connection} ${transport}`
}

/** What it has said in this attempt, in the order of the phases. */
function saidOf({ inCohort, keys, shares, input, opening }: MemberReport): string {
  if (!inCohort) return ''
  const inputWord = { none: '', announced: 'input announced', held: 'input' }[input]
  const said = [keys && 'keys', shares && 'shares', inputWord, opening && 'opening'].filter(Boolean)
  return said.length === 0 ? 'nothing yet' : said.join(', ')
}

function remarksOf({ author, aggregator, silent, lostSecrets }: MemberReport): string {
  return [
    author && 'author',
    aggregator && 'aggregator',
    silent && 'silent in the last link',
    lostSecrets && 'lost its secrets'
  ]
    .filter(Boolean)
    .join(', ')
}

function bootstrapParts({ runs, network }: BootstrapReport): string[][] {
  const lines = runs.flatMap(run => [
    `  ${run.id.slice(0, 16)}  "${run.name}" by ${shortPeer(run.author)}: ${run.rounds} rounds of ${run.model}`,
    `    ${run.members.length} members heard of; ${keptText(run)}`
  ])
  const relayed = network?.relayedPeers?.length ?? 0
  const peers = (network?.connected ?? []).map(peer => [shortPeer(peer), reachIn(network!, peer)])
  return [
    [`runs listed: ${runs.length}`, ...lines],
    [
      `peers connected: ${peers.length}; of all peers, ${relayed} hold a place at this relay`,
      ...columns(peers)
    ]
  ]
}

function keptText({ cached, rounds }: BootstrapReport['runs'][number]): string {
  if (cached === null)
    return 'nothing is kept of it: it does not let this coordinator in, or there is no cache'
  if (cached.height === null) return 'its chain has not come yet'
  const { height, completedRounds, whole, bytes } = cached
  const state = whole ? '' : ', its newest state has not come yet'
  return `kept up to link ${height}, ${completedRounds} of ${rounds} rounds${state} (${bytesText(bytes)})`
}

function reachIn({ connections }: NetworkReport, peer: PeerId): string {
  const theirs = connections.filter(connection => connection.peer === peer)
  return theirs
    .map(({ transport, relayed, address }) => `${relayed ? 'relayed' : 'direct'} ${transport} ${address}`)
    .join('; ')
}

function networkLines(report: Report): string[] {
  const { network } = report
  if (network === null) return ['not in the network yet']
  const { addresses, observedAddresses, bytes } = network
  const seen = observedAddresses.filter(address => !addresses.some(own => own.startsWith(address)))
  const lines = addresses.map(address => `others can reach it at ${address}`)
  for (const address of seen) lines.push(`others see it at ${address}`)
  const purposes = Object.entries(report.kind === 'peer' ? (report.purposes ?? {}) : {}).map(
    ([purpose, { sent, received }]) => [
      purposeWords[purpose] ?? purpose,
      bytesText(sent),
      bytesText(received)
    ]
  )
  const protocols = Object.entries(bytes.protocols)
    .toSorted(([, a], [, b]) => b.sent + b.received - a.sent - a.received)
    .map(([protocol, { sent, received }]) => [protocol, bytesText(sent), bytesText(received)])
  const all = ['through the sockets', bytesText(bytes.sent), bytesText(bytes.received)]
  return [...lines, ...columns([['bytes', 'sent', 'received'], ...purposes, all, ...protocols])]
}

const purposeWords: Readonly<Record<string, string>> = {
  maskedUpload: 'masked upload',
  verification: 'verification',
  control: 'control'
}

function reasonLines({ reasons }: ProcessReport): string[] {
  if (reasons.length === 0) return []
  const lines = reasons
    .slice(0, REASONS_SHOWN)
    .map(({ at, reason }) => `  ${clockText(at)}  ${oneLine(reason)}`)
  return ['last reasons:', ...lines]
}

function processLine({ peer, pid, at, startedAt }: ProcessReport): string {
  return `${peer === null ? '' : `peer ${peer}, `}process ${pid}, up ${ageText(at, startedAt)}`
}

function columns(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths: number[] = []
  for (const [i, cell] of rows.flatMap(row => [...row.entries()]))
    widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows.map(row => `  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd())
}

/** Local time of day: what stands beside it in other logs of this machine. */
function clockText(iso: string): string {
  return new Date(iso).toTimeString().slice(0, 8)
}

function ageText(now: string, then: string): string {
  return secondsText(Math.max(0, Math.round((Date.parse(now) - Date.parse(then)) / 1000)))
}

function untilText(now: string, then: string): string {
  const seconds = Math.round((Date.parse(then) - Date.parse(now)) / 1000)
  return seconds >= 0 ? `in ${secondsText(seconds)}` : `${secondsText(-seconds)} ago`
}

function secondsText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** Words of other peers are in it: no line break or escape sequence of theirs reaches the terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ')
}
