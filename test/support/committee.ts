/** Clusters whose rounds are verified by a committee. */
import type { Effect } from '../../node/round/round-types.ts'
import { verifiersAt } from '../../protocols/chain-cohorts.ts'
import { testDeadlines, testRun } from './chains.ts'
import type { ClusterPeer } from './cluster-peer.ts'
import { type ClusterOptions, RoundCluster } from './round-cluster.ts'

export interface CommitteeOptions extends Partial<ClusterOptions> {
  readonly n?: number
  readonly k?: number
  readonly rounds?: number
}

/** Nine members, four of whom verify, unless said otherwise. */
export function committeeCluster({
  n = 9,
  k = 4,
  rounds = 1,
  ...options
}: CommitteeOptions = {}): RoundCluster {
  const run = testRun(n, { rounds, deadlines: testDeadlines, secureSum: { verifiers: k } })
  return new RoundCluster(run, { seed: 3, ...options })
}

/** The committee of the attempt that a peer is in; empty outside of an attempt. */
export function committeeOf({ state, deps }: ClusterPeer): string[] {
  const { attempt } = state
  return attempt === null ? [] : verifiersAt(attempt.tip, deps.run, deps.crypto)
}

/** True if the effect says something of this type. */
export function says(effect: Effect, type: string): boolean {
  return (effect.type === 'gossip' || effect.type === 'send') && effect.message.type === type
}
