/** What a coordinator says of itself: who is connected, which runs it lists, and what it keeps of them. */
import type { CoordinatorStatus, ListedRun } from '../../../bootstrap/coordinator.ts'
import { decodeSignedManifest } from '../../../protocols/signed-manifest.ts'
import { type BootstrapReport, type ListedRunReport, type ProcessReport, runReportOf } from './report.ts'

export function bootstrapReportOf(process: ProcessReport, status: CoordinatorStatus | null): BootstrapReport {
  const runs = (status?.runs ?? []).map(listedRunOf)
  return { kind: 'bootstrap', ...process, runs, cachedBytes: status?.cachedBytes ?? 0 }
}

function listedRunOf({ run, manifest, heard, cached }: ListedRun): ListedRunReport {
  return {
    ...runReportOf(run, decodeSignedManifest(manifest).manifest),
    members: heard.map(({ peer, heardAtMs, height, phase }) => ({
      peer,
      heardAt: new Date(heardAtMs).toISOString(),
      height,
      phase
    })),
    cached:
      cached === null
        ? null
        : {
            height: cached.height,
            completedRounds: cached.completedRounds,
            members: cached.members.length,
            whole: cached.isWhole,
            bytes: cached.bytes
          }
  }
}
