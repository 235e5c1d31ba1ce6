/** Clusters whose members die at random, and what must hold of them all the same. */
import { expect } from 'chai'
import type { Random } from '../../aggregation/random.ts'
import type { TestRun } from './chains.ts'
import { contradictions, longestChain, plainSum, stateHashes } from './cluster-claims.ts'
import { RoundCluster } from './round-cluster.ts'

/** Kills up to `most` members at a time before random effects; each comes back after a while, or never. */
export function massacre(
  run: TestRun,
  random: Random,
  most: number,
  backAfterMs: number,
  lossPercent: number
): RoundCluster {
  const dead = new Set<string>()
  let kills = 0
  let countdown = random.nextUint32() % 150
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: random.nextUint32() & 0xffff,
    deliver: () => random.nextUint32() % 100 >= lossPercent,
    onEffect: (id, effect) => {
      if (effect.type === 'notice' || dead.has(id) || dead.size >= most || kills >= 5) return true
      // Without its author a run does not even begin.
      if (backAfterMs === 0 && cluster.alive.some(({ founding }) => founding === null)) return true
      if (countdown-- > 0) return true
      countdown = random.nextUint32() % 150
      kills++
      dead.add(id)
      if (backAfterMs > 0) {
        cluster.at(cluster.nowMs + 50 + (random.nextUint32() % backAfterMs), () => {
          dead.delete(id)
          cluster.restart(id)
        })
      }
      return false
    }
  })
  return cluster.start()
}

export function expectExact(cluster: RoundCluster, name: string): void {
  expect(cluster.finish(900_000), name).to.equal(true)
  expect(stateHashes(cluster), name).to.have.lengthOf(1)
  expect(contradictions(cluster), name).to.deep.equal([])
  for (const { kind, round, attempt, survivors } of longestChain(cluster)) {
    if (kind !== 'result') continue
    const sum = plainSum(
      cluster,
      round,
      attempt,
      survivors.map(({ peer }) => peer)
    )
    for (const { sums } of cluster.peers.values()) {
      const own = sums.get(`${round}.${attempt}`)
      if (own !== undefined) expect(own, name).to.deep.equal(sum)
    }
  }
}
