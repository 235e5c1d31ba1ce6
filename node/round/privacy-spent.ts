/** What the run has spent of its privacy once the attempt's survivors are committed. */
import type { PrivacySpent } from '../../aggregation/replicated-state.ts'
import { privacyTermsOf } from '../../protocols/privacy-account.ts'
import { accountAfter } from '../../protocols/tip-after.ts'
import type { AttemptState, Draft } from './round-state.ts'
import { notice } from './speak.ts'

/** With this round, which is charged whether its sum is opened or lost; null in a run without noise. */
export function privacySpentWith({ deps }: Draft, { tip }: Pick<AttemptState, 'tip'>): PrivacySpent | null {
  const account = accountAfter(tip, 'result', deps.run)
  return account === null
    ? null
    : { epsilon: account.epsilon, delta: privacyTermsOf(deps.run.manifest)!.delta }
}

export function tellPrivacySpent(draft: Draft, attempt: AttemptState): void {
  const spent = privacySpentWith(draft, attempt)
  const { round, attempt: number } = attempt
  if (spent !== null) notice(draft, { notice: 'privacy-spent', round, attempt: number, ...spent })
}
