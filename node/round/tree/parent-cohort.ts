/** What a parent cohort of a larger network does on its own: ask, wait, add up, agree. */
import { agreementWakeAtMs, hastenAgreement, openAgreement, settledAtMs } from '../agreement.ts'
import { decideOn } from '../decisions.ts'
import { probe } from '../resume.ts'
import { type Draft, settingOf } from '../round-state.ts'
import { propose, reconsider } from '../voting.ts'
import type { ParentState } from './parent-state.ts'
import { keepDueTime, sumsComplete } from './parent-sums.ts'

/** Does whatever can be done now. Doing it twice changes nothing. */
export function advanceParent(draft: Draft, parent: ParentState): void {
  if (parent.ending !== null) return
  if (parent.participation === 'probing') return probe(draft, parent)
  keepDueTime(draft, parent)
  const setting = settingOf(parent, 'result', draft.deps)!
  const state = parent.agreements.result
  if (state.decided === null) {
    openAgreement(state, setting, parent.dueMs)
    if (sumsComplete(draft, parent)) hastenAgreement(state, setting, draft.nowMs)
  }
  decideOn(draft, parent, 'result', reconsider(draft, parent, 'result'))
  if (!draft.state.parents.includes(parent) || parent.ending !== null) return
  propose(draft, parent, 'result')
}

/** When time alone changes something for it. */
export function parentMoments(draft: Draft, parent: ParentState): number[] {
  const { viewMs } = draft.deps.run.manifest.deadlines
  const { participation, probeAtMs, dueMs, agreements, ending } = parent
  if (ending !== null) return []
  if (participation === 'probing') return [probeAtMs]
  const setting = settingOf(parent, 'result', draft.deps)!
  const away = [...draft.state.reach.values()].filter(({ connected }) => !connected)
  return [
    dueMs,
    dueMs + viewMs / 4,
    agreementWakeAtMs(agreements.result),
    settledAtMs(agreements.result, setting),
    ...away.map(({ sinceMs }) => sinceMs + viewMs)
  ]
}
