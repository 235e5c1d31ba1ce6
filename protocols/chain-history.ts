/** What the tip of a chain remembers of its last links: enough to check evidence of the rounds just gone. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { type ChainTip, cohortsAt, type RunContext } from './chain.ts'
import { equalBytes } from './codec.ts'
import type { EvidenceChain } from './evidence.ts'

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
