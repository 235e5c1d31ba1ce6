/** How likely it is that a committee drawn at random is one that cannot be relied on. */
import { faultsOf, quorumOf } from './quorum.ts'

export interface CommitteeRisk {
  /** That more than f of it lie or are dead: they can hold a round up, until the whole cohort takes its place. */
  readonly stalls: number
  /** That a quorum of it lie: they can make a wrong sum pass. */
  readonly deceives: number
}

/**
 * Of the committee of one round; a run of many rounds draws as many. The members are drawn without replacement, so the
 * number of liars among them is hypergeometric.
 * @param members - n, of the cohort
 * @param verifiers - k <= n, drawn from them
 * @param liars - m <= n among the members
 */
export function committeeRisk(members: number, verifiers: number, liars: number): CommitteeRisk {
  return {
    stalls: tail(members, verifiers, liars, faultsOf(verifiers) + 1),
    deceives: tail(members, verifiers, liars, quorumOf(verifiers))
  }
}

/** P(at least `least` of `drawn` are among the `marked` of `all`). */
function tail(all: number, drawn: number, marked: number, least: number): number {
  let sum = 0
  for (let hits = least; hits <= Math.min(drawn, marked); hits++)
    sum += (choose(marked, hits) * choose(all - marked, drawn - hits)) / choose(all, drawn)
  return sum
}

/** Exact below 2^53, and to a few units in the last place above: n is at most 64 here. */
function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0
  let ways = 1
  for (let i = 1; i <= Math.min(k, n - k); i++) ways = (ways * (n - i + 1)) / i
  return ways
}
