/** Which of the field's phases a peer is in. */
import type { Subject } from '../../protocols/certificate.ts'
import { pauseOf } from '../../protocols/pause.ts'
import { leaderOf } from './agreement.ts'
import { tellPaused } from './giving-up.ts'
import { type Draft, settingOf } from './round-state.ts'
import type { RoundPhase } from './round-types.ts'
import { notice } from './speak.ts'

/** Announces the phase that a step has led to, if it is another. */
export function enterPhase(draft: Draft): void {
  const { state, deps } = draft
  const phase = phaseOf(draft)
  const { attempt, tip } = state
  const key = `${phase} ${tip?.height ?? -1}`
  if (state.phaseKey === key) return
  state.phase = phase
  state.phaseKey = key
  const subject = subjectOfPhase[phase]
  const setting = attempt === null || subject === undefined ? null : settingOf(attempt, subject, deps)
  notice(draft, {
    notice: 'phase',
    phase,
    round: attempt?.round ?? tip?.round ?? 0,
    attempt: attempt?.attempt ?? tip?.attempt ?? 0,
    aggregator: setting === null ? null : leaderOf(setting, attempt!.agreements[setting.subject].view),
    cohort: attempt?.cohort ?? []
  })
  if (phase === 'Aborted') tellPaused(draft)
}

const subjectOfPhase: Partial<Record<RoundPhase, Subject>> = {
  AdvertiseKeys: 'roster',
  ShareKeys: 'shares',
  LocalTraining: 'survivors',
  MaskedInputCollection: 'survivors',
  ConsistencyCheck: 'survivors',
  Unmasking: 'result',
  ServerStep: 'result'
}

function phaseOf(draft: Draft): RoundPhase {
  const { attempt, tip } = draft.state
  if (tip === null) return 'WaitingForMembers'
  if (tip.end !== null) return 'Finished'
  if (pauseOf(tip, draft.deps.run.manifest) !== null) return 'Aborted'
  if (attempt === null) return 'Following'
  if (attempt.ending !== null) return 'SumOfCohorts'
  if (attempt.roster === null) return 'AdvertiseKeys'
  if (attempt.dealers === null) return 'ShareKeys'
  if (attempt.survivors !== null) return attempt.unmasking === 'done' ? 'ServerStep' : 'Unmasking'
  if (attempt.training === 'running') return 'LocalTraining'
  return attempt.listedBodies > 0 ? 'ConsistencyCheck' : 'MaskedInputCollection'
}
