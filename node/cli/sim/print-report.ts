/** The end of a simulation as a person reads it. */
import Table from 'cli-table3'
import type { Measurements, SimReport } from '../../../sim/report.ts'
import { spentText } from '../privacy/run-privacy.ts'
import { figure } from '../privacy/words.ts'

const rows: ReadonlyArray<readonly [keyof Measurements, string]> = [
  ['base', 'base model alone'],
  ['local', 'local only, early stopping'],
  ['federated', 'federated'],
  ['pooled', 'pooled, no privacy']
]

/** Of an adapter in its base, by parameters: LoRA of rank 8 on all linear layers of SmolLM2-135M has 1.8 %. */
const USUAL_SHARE_MAX = 0.03

/** Plain text; the same goes into the report file. */
export function reportText(report: SimReport): string {
  const table = plainTable(['', 'held-out bits per byte', 'against base', 'clients improved'])
  const base = report.heldOutBitsPerByte.base!
  for (const [key, label] of rows) {
    const value = report.heldOutBitsPerByte[key]
    if (value === null) continue
    const improved = key === 'base' ? '' : `${report.improved[key]} of ${report.clients.length}`
    table.push([label, value.toFixed(4), key === 'base' ? '' : percent(value / base - 1), improved])
  }
  const clients = plainTable([
    'client',
    ...rows.filter(([key]) => report.perClient[key] !== null).map(([key]) => key)
  ])
  report.clients.forEach((name, i) => {
    clients.push([name, ...rows.flatMap(([key]) => report.perClient[key]?.[i]?.toFixed(3) ?? [])])
  })
  return [
    `${report.completedRounds} of ${report.rounds} rounds, ${report.peers} peers${privacyText(report)}`,
    table.toString(),
    clients.toString(),
    bytesText(report),
    `state    ${report.stateSha256}, the same on every peer`,
    `adapter  ${report.adapterDir}`
  ].join('\n\n')
}

function privacyText({ privacy, end }: SimReport): string {
  if (privacy === null) return ''
  const why =
    end === 'privacy'
      ? `; the run stopped there: another round would have passed epsilon ${figure(privacy.epsilonMax)}`
      : ''
  return `, ${spentText(privacy)} spent${why}`
}

function bytesText(report: SimReport): string {
  const { bytesPerPeerPerRound: bytes, fullModelBytes, atScale, adapterElements, baseParameters } = report
  const table = plainTable(['bytes per peer and round', 'sent', 'received'])
  table.push(['masked upload', kilobytes(bytes.maskedUpload.sent), kilobytes(bytes.maskedUpload.received)])
  table.push(['verification', kilobytes(bytes.verification.sent), kilobytes(bytes.verification.received)])
  table.push(['control', kilobytes(bytes.control.sent), kilobytes(bytes.control.received)])
  const sum = Object.values(bytes).reduce((total, { sent, received }) => total + sent + received, 0)
  const times = (full: number, ours: number) => `${(full / ours).toFixed(1)} times`
  const share = adapterElements / baseParameters
  const text =
    `${table.toString()}\n` +
    `A server that sends and takes the full model in 32-bit floats moves ${kilobytes(fullModelBytes)} per client and ` +
    `round: ${times(fullModelBytes, sum)} as much.${committeeText(report)}`
  if (share <= USUAL_SHARE_MAX) return text
  return (
    `${text}\nNot representative: the adapter is ${(100 * share).toFixed(1)} % of so small a base. ` +
    `For ${atScale.model}, by arithmetic, everyone verifying:\n${kilobytes(atScale.verifiedBytes)} (masked inputs, sent and ` +
    `received) against ${kilobytes(atScale.fullModelBytes)}: ${times(atScale.fullModelBytes, atScale.verifiedBytes)}.` +
    (atScale.committeeBytes === null
      ? ''
      : ` With this run's committee: ${kilobytes(atScale.committeeBytes)} (new states included).`)
  )
}

/** What a verifier of the committee received, measured, and what the others did. */
function committeeText({ verification, peers }: SimReport): string {
  const { verifiers, verifierReceived, otherReceived } = verification
  if (otherReceived === null) return ''
  return (
    `\nOf ${peers} peers ${verifiers} verified each round: such a peer received ${kilobytes(verifierReceived)} of masked ` +
    `inputs, each of the others ${kilobytes(otherReceived)}.`
  )
}

function plainTable(head: string[]): InstanceType<typeof Table> {
  return new Table({ head, style: { head: [], border: [] } })
}

function percent(ratio: number): string {
  return `${ratio > 0 ? '+' : ''}${(100 * ratio).toFixed(1)} %`
}

function kilobytes(bytes: number): string {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(2)} MB` : `${(bytes / 1e3).toFixed(1)} kB`
}
