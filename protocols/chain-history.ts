/** What the tip of a chain remembers of its last links: enough to check evidence of the rounds just gone. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { cohortsAt } from './chain-cohorts.ts'
import type { ChainTip, RunContext } from './chain-tip.ts'
import { equalBytes } from './codec.ts'
import type { CheckedEvidence, EvidenceChain } from './evidence.ts'

/**
 * True of evidence against somebody whom the author has named a member since: it would expel it again at once. The author
 * does not forgive itself.
 */
export function isForgiven(
  { pardon }: Pick<ChainTip, 'pardon'>,
  { culprit, round, attempt }: Pick<CheckedEvidence, 'culprit' | 'round' | 'attempt'>,
  { manifest }: Pick<RunContext, 'manifest'>
): boolean {
  if (pardon === null || culprit === manifest.author) return false
  return round < pardon.round || (round === pardon.round && attempt <= pardon.attempt)
}

/** What a chain that ends here can say about evidence. */
export function evidenceChainOf(
  tip: ChainTip,
  run: RunContext,
  crypto: Pick<CryptoSuite, 'sha256'>
): EvidenceChain {
  return {
    cohortAfter(link, member) {
      const cohorts = equalBytes(link, tip.linkHash)
        ? cohortsAt(tip, run, crypto)
        : tip.history.find(({ previous }) => equalBytes(previous, link))?.cohorts
      return cohorts?.find(cohort => cohort.includes(member)) ?? null
    },
    has: link => tip.history.some(({ hash }) => equalBytes(hash, link))
  }
}
