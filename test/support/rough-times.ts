/** Honest members in rough times: messages are lost, late and out of order, and members die and come back. */
import { seededRandom } from '../../aggregation/random.ts'
import { testDeadlines, testRun } from './chains.ts'
import { RoundCluster } from './round-cluster.ts'

export interface RoughTimes {
  readonly cluster: RoundCluster
  readonly deaths: number
  readonly finished: boolean
}

/**
 * Two rounds of four to six members, or as much of them as comes about in ten minutes of virtual time: one message in
 * six is lost, the rest take up to 300 ms each, and before one effect in 150 a member dies, to come back within seconds.
 */
export function roughTimes(seed: number): RoughTimes {
  const random = seededRandom(seed)
  const oneIn = (n: number): boolean => random.nextUint32() % n === 0
  const n = 4 + (seed % 3)
  let deaths = 0
  const cluster: RoundCluster = new RoundCluster(testRun(n, { rounds: 2, deadlines: testDeadlines }), {
    seed,
    latencyMs: 300,
    deliver: (_from, _to, { type }) => type === 'registration' || type === 'founding' || !oneIn(6),
    onEffect: (id, effect) => {
      // Never more than may fail, and not before there is anything to lose.
      const down = cluster.peers.size - cluster.alive.length
      if (effect.type === 'notice' || effect.type === 'found' || down > 0) return true
      if (cluster.peer(id).state.tip === null || deaths >= 8 || !oneIn(150)) return true
      deaths++
      cluster.at(cluster.nowMs + 20 + (random.nextUint32() % 3_000), () => cluster.restart(id))
      return false
    }
  })
  const finished = cluster.start().finish(600_000)
  return { cluster, deaths, finished }
}
