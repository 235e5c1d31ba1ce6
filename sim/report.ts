/** What a simulation found, in the form that is written down. */
import type { PrivacySpent } from '../aggregation/replicated-state.ts'
import type { RoundBytes } from '../node/peer/byte-account.ts'
import { cohortSizeOf } from '../protocols/chain-cohorts.ts'
import type { RunEnd } from '../protocols/chain-tip.ts'
import type { RunManifest } from '../protocols/run-manifest.ts'
import { verifierCount } from '../protocols/verification-bytes.ts'
import { fullModelRoundBytes, loraElements, smolLm2, verifiedRoundBytes } from './cost.ts'
import type { MeasuredVerification } from './measured-verification.ts'

/** Held-out bits per byte of each client, in the clients' order; null where the baseline was not run. */
export interface Measurements {
  readonly base: readonly number[]
  readonly local: readonly number[] | null
  readonly federated: readonly number[]
  readonly pooled: readonly number[] | null
}

export interface SimReport {
  readonly scenario: string
  readonly clients: readonly string[]
  readonly peers: number
  readonly rounds: number
  readonly completedRounds: number
  readonly heldOutBitsPerByte: Readonly<Record<keyof Measurements, number | null>>
  /** Clients whose held-out text the adapter predicts better than the base does. */
  readonly improved: Readonly<Record<Exclude<keyof Measurements, 'base'>, number | null>>
  readonly perClient: Measurements
  readonly bytesPerPeerPerRound: RoundBytes
  readonly verification: MeasuredVerification
  readonly baseParameters: number
  readonly adapterElements: number
  /** A server-based round that moves the full model: bytes per peer. */
  readonly fullModelBytes: number
  /** The same two figures for a model of practical size, by arithmetic. */
  readonly atScale: {
    readonly model: string
    /** Everyone verifies. */
    readonly verifiedBytes: number
    /** With the run's committee; null if it has none. */
    readonly committeeBytes: number | null
    readonly fullModelBytes: number
  }
  readonly stateSha256: string
  readonly adapterDir: string
  readonly wallSeconds: number
  readonly end: RunEnd
  /** With the epsilon at which the run stops; null in a run without noise. */
  readonly privacy: (PrivacySpent & { readonly epsilonMax: number }) | null
}

export interface ReportInput {
  readonly manifest: RunManifest
  readonly clients: readonly string[]
  readonly completedRounds: number
  readonly perClient: Measurements
  readonly bytesPerPeerPerRound: RoundBytes
  readonly verification: MeasuredVerification
  readonly baseParameters: number
  readonly adapterElements: number
  readonly stateSha256: string
  readonly adapterDir: string
  readonly wallSeconds: number
  readonly end: RunEnd
  readonly privacySpent: PrivacySpent | null
}

export function createReport(input: ReportInput): SimReport {
  const { manifest, perClient, clients } = input
  const { base } = perClient
  const improved = (measured: readonly number[] | null) =>
    measured === null ? null : measured.filter((value, i) => value < base[i]!).length
  const { founders } = manifest.cohort
  const members = cohortSizeOf(founders, { manifest })
  const { adapter } = manifest
  const { a, b } = loraElements(smolLm2, adapter.kind === 'lora' ? adapter.rank : 8)
  // rolora alternates the factors; ffa sums B alone.
  const summed = { rolora: (a + b) / 2, ffa: b, fedit: a + b }[manifest.strategy]
  const verifiers = verifierCount(manifest.secureSum.verifiers, members)
  const atScale = (count: number) => Math.round(verifiedRoundBytes(summed, a + b, manifest, members, count))
  return {
    scenario: manifest.name,
    clients,
    peers: founders,
    rounds: manifest.rounds,
    completedRounds: input.completedRounds,
    heldOutBitsPerByte: {
      base: mean(base),
      local: perClient.local === null ? null : mean(perClient.local),
      federated: mean(perClient.federated),
      pooled: perClient.pooled === null ? null : mean(perClient.pooled)
    },
    improved: {
      local: improved(perClient.local),
      federated: improved(perClient.federated),
      pooled: improved(perClient.pooled)
    },
    perClient,
    bytesPerPeerPerRound: input.bytesPerPeerPerRound,
    verification: input.verification,
    baseParameters: input.baseParameters,
    adapterElements: input.adapterElements,
    fullModelBytes: fullModelRoundBytes(input.baseParameters),
    atScale: {
      model: smolLm2.name,
      verifiedBytes: atScale(members),
      committeeBytes: verifiers < members ? atScale(verifiers) : null,
      fullModelBytes: fullModelRoundBytes(smolLm2.parameters)
    },
    stateSha256: input.stateSha256,
    adapterDir: input.adapterDir,
    wallSeconds: input.wallSeconds,
    end: input.end,
    privacy:
      input.privacySpent === null || manifest.privacy.mechanism === 'none'
        ? null
        : { ...input.privacySpent, epsilonMax: manifest.privacy.epsilon }
  }
}

/** The last JSON line of `fedpeft-node sim --json`. */
export function doneEvent(report: SimReport): { readonly event: 'done' } & Readonly<Record<string, unknown>> {
  const { bytesPerPeerPerRound: bytes } = report
  const total = (direction: 'sent' | 'received') =>
    bytes.maskedUpload[direction] + bytes.verification[direction] + bytes.control[direction]
  return {
    event: 'done',
    peers: report.peers,
    rounds: report.rounds,
    completedRounds: report.completedRounds,
    heldOutBitsPerByte: report.heldOutBitsPerByte,
    clientsImproved: report.improved.federated,
    bytesPerPeerPerRound: {
      sent: total('sent'),
      received: total('received'),
      maskedUpload: bytes.maskedUpload.sent,
      verification: bytes.verification.sent + bytes.verification.received,
      control: bytes.control.sent + bytes.control.received
    },
    fullModelBytes: report.fullModelBytes,
    adapterDir: report.adapterDir,
    stateSha256: report.stateSha256,
    wallSeconds: report.wallSeconds,
    end: report.end,
    privacy: report.privacy
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
