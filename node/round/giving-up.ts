/** What a person is told when an attempt comes to nothing, and when the run stands still. */

import type { LinkBody } from '../../protocols/messages.js'
import type { GiveUpReason } from '../../protocols/pause.ts'
import { isGiveUpReason, pauseOf } from '../../protocols/pause.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { AttemptState, Draft } from './round-state.ts'
import { notice } from './speak.ts'

/** Says why an attempt was given up, and who was missing as far as this peer can tell. */
export function tellGivenUp(draft: Draft, attempt: AttemptState, { kind, reason }: LinkBody): void {
  if (!isGiveUpReason(reason)) return
  const missing = missingIn(attempt, reason)
  draft.state.missing = missing
  const { round, attempt: number } = attempt
  notice(draft, {
    notice: 'given-up',
    round,
    attempt: number,
    kind: kind as 'abort' | 'lost',
    reason,
    missing
  })
}

/** Members of which this peer has not had what the attempt was given up for. The link cannot say it: others may have. */
function missingIn(attempt: AttemptState, reason: GiveUpReason): PeerId[] {
  const { cohort, roster, dealers, advertised, shareMessages, headers, held, bundles } = attempt
  if (reason === 'too-few-keys') return cohort.filter(peer => !advertised.has(peer))
  if (reason === 'too-few-shares')
    return (roster ?? []).flatMap(({ peer }) => (shareMessages.has(peer) ? [] : [peer]))
  if (reason === 'too-few-inputs')
    return (dealers ?? []).filter(peer => !headers.has(peer) || !held.has(peer))
  return (dealers ?? []).filter(peer => !bundles.has(peer))
}

/** Says that the run is paused, when it comes to that. */
export function tellPaused(draft: Draft): void {
  const { tip, missing } = draft.state
  const pause = tip === null ? null : pauseOf(tip, draft.deps.run.manifest)
  if (pause !== null) notice(draft, { notice: 'paused', pause, missing })
}
