/** What a coordinator says of itself: who is connected, and which runs it lists. */
import type { CoordinatorStatus } from '../../../bootstrap/coordinator.ts'
import { decodeSignedManifest } from '../../../protocols/signed-manifest.ts'
import { type BootstrapReport, type ProcessReport, runReportOf } from './report.ts'

export function bootstrapReportOf(process: ProcessReport, status: CoordinatorStatus | null): BootstrapReport {
  const runs = (status?.runs ?? []).map(({ run, manifest }) =>
    runReportOf(run, decodeSignedManifest(manifest).manifest)
  )
  return { kind: 'bootstrap', ...process, runs }
}
