/**
 * What a run has spent of its privacy. It follows from the kinds and the cohorts of its links alone, so that everyone
 * who checks the chain comes to the same number: a lost round leaves the replicated state as it was, and is charged all
 * the same.
 *
 * A round is charged as soon as its survivors are committed, because from then on its sum can be opened. Whatever
 * happens then, the next link says that it may have: a result, a loss, or a reconfiguration (which ends an attempt
 * whatever it had come to). An abort cannot follow a commit, and no share that opens a sum is released before one.
 */
import { epsilonAfter, fitsBudget, type Mechanism, type Releases } from '../aggregation/dp-accountant.ts'
import type { RunManifest } from './run-manifest.ts'

/** Treated as immutable. */
export interface PrivacyAccount {
  /** One entry for each noise and sensitivity that a round has had, in the order of their first round. */
  readonly releases: readonly Releases[]
  /** Of all of them, an upper bound. */
  readonly epsilon: number
}

export const emptyAccount: PrivacyAccount = { releases: [], epsilon: 0 }

/** The manifest's terms, or null for a run without noise. */
export function privacyTermsOf({
  privacy
}: Pick<RunManifest, 'privacy'>): Exclude<RunManifest['privacy'], { mechanism: 'none' }> | null {
  return privacy.mechanism === 'none' ? null : privacy
}

/** The account with one round more. @throws AggregationError BAD_SETTING */
export function charged(account: PrivacyAccount, mechanism: Mechanism, delta: number): PrivacyAccount {
  const name = nameOf(mechanism)
  const known = account.releases.some(release => nameOf(release.mechanism) === name)
  const releases = known
    ? account.releases.map(release =>
        nameOf(release.mechanism) === name ? { ...release, rounds: release.rounds + 1 } : release
      )
    : [...account.releases, { mechanism, rounds: 1 }]
  return { releases, epsilon: epsilonAfter(releases, delta).epsilon }
}

/** Whether a round more stays within the budget of the run. @throws AggregationError BAD_SETTING */
export function affords(
  { releases }: PrivacyAccount,
  mechanism: Mechanism,
  budget: { readonly epsilon: number; readonly delta: number }
): boolean {
  return fitsBudget(releases, mechanism, budget)
}

/** Epsilon of so many rounds whose mechanisms come in turn. @throws AggregationError BAD_SETTING */
export function epsilonOfRounds(inTurn: readonly Mechanism[], rounds: number, delta: number): number {
  const releases = inTurn.map((mechanism, i) => ({
    mechanism,
    rounds: Math.floor((rounds + inTurn.length - 1 - i) / inTurn.length)
  }))
  return epsilonAfter(releases, delta).epsilon
}

/** How many rounds whose mechanisms come in turn fit the budget, at most `most`. @throws AggregationError BAD_SETTING */
export function affordableRounds(
  inTurn: readonly Mechanism[],
  { epsilon, delta }: { readonly epsilon: number; readonly delta: number },
  most: number
): number {
  let [good, bad] = [0, most + 1]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (epsilonOfRounds(inTurn, middle, delta) <= epsilon) good = middle
    else bad = middle
  }
  return good
}

/** Two mechanisms with one name cost the same. */
function nameOf(mechanism: Mechanism): string {
  return JSON.stringify(mechanism)
}
