import { expect } from 'chai'
import { type Lanes, lanesOfBytes, subtractLanes } from '../../aggregation/ring.ts'
import type { Effect } from '../../node/round/round-types.ts'
import { toHex } from '../../protocols/hex.ts'
import { AdvertiseKeys, MaskedInput } from '../../protocols/messages.js'
import { testDeadlines, testRun } from '../support/chains.ts'
import { contradictions, linkKinds, longestChain } from '../support/cluster-claims.ts'
import { linksOf, PeerCluster } from '../support/peer-cluster.ts'
import { n, pOf, wideLayout } from '../support/recorded-round.ts'
import { RoundCluster } from '../support/round-cluster.ts'
import { UNIFORMITY_P_MIN } from '../support/uniformity.ts'

function difference(a: Lanes, b: Lanes): Lanes {
  const result = a.slice()
  subtractLanes(result, b)
  return result
}

type Instead = (id: string, effect: Effect) => readonly Effect[]

/** Of seven, three lose their secrets before they announce anything: one short of t, so the attempt is aborted. */
function abortedOnce(
  instead: (cluster: RoundCluster) => Instead = () => (_id, effect) => [effect],
  kinds: readonly string[] = ['abort', 'result']
): RoundCluster {
  const dead = new Set<string>()
  const run = testRun(n, { rounds: 1, strategy: 'ffa', deadlines: testDeadlines }, wideLayout)
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 13,
    instead: (id, effect) => changed(id, effect),
    onEffect: (id, effect) => {
      if (dead.has(id) || dead.size === 3 || effect.type !== 'mask') return true
      dead.add(id)
      cluster.at(cluster.nowMs + 400, () => cluster.restart(id))
      return false
    }
  })
  const changed = instead(cluster)
  expect(cluster.start().finish(300_000)).to.equal(true)
  expect(linkKinds(cluster)).to.deep.equal(kinds)
  expect(contradictions(cluster)).to.deep.equal([])
  return cluster
}

/** The masked inputs that each member announced, by attempt of the first round. */
function announced(cluster: RoundCluster): Map<string, Map<number, Lanes>> {
  const found = new Map<string, Map<number, Lanes>>()
  for (const { type, sender, context, payload } of cluster.wire) {
    if (type !== 'masked-input' || context.round > 0) continue
    const body = cluster.bodies.get(toHex(MaskedInput.decode(payload).address))!
    const lanes = lanesOfBytes(body, cluster.run.manifest.secureSum.ringBits)
    const own = found.get(sender) ?? new Map<number, Lanes>()
    found.set(sender, own.set(context.attempt, lanes))
  }
  return found
}

const twice = (cluster: RoundCluster) => [...announced(cluster)].filter(([, attempts]) => attempts.size === 2)

describe('retry differencing: what two attempts of one round say together', () => {
  it('the difference of a member’s masked inputs is noise', () => {
    const cluster = abortedOnce()
    expect(twice(cluster)).to.have.lengthOf(4)
    for (const [id, attempts] of twice(cluster)) {
      const [first, second] = [attempts.get(0)!, attempts.get(1)!]
      expect(pOf(difference(first, second)), id).to.be.above(UNIFORMITY_P_MIN)
    }
  })

  it('would lay the difference of its inputs bare, if the masks of the first were used again', () => {
    const used = new Map<string, Effect & { type: 'mask' }>()
    const again = (cluster: RoundCluster) => (id: string, effect: Effect) => {
      if (effect.type !== 'mask' || effect.round > 0) return [effect]
      const before = used.get(id)
      if (effect.attempt === 0) used.set(id, effect)
      if (before === undefined || !announced(cluster).has(id)) return [effect]
      reusing ??= id
      return [id === reusing ? { ...effect, selfKey: before.selfKey, pairMasks: before.pairMasks } : effect]
    }
    let reusing: string | null = null
    // Nobody else can take these masks off: the second attempt is lost.
    const cluster = abortedOnce(again, ['abort', 'lost', 'result'])
    const id = reusing!
    const attempts = announced(cluster).get(id)
    expect(attempts?.size).to.equal(2)
    const inputs = cluster.peer(id).inputs
    const masked = difference(attempts!.get(0)!, attempts!.get(1)!)
    expect(masked).to.deep.equal(difference(inputs.get('0.0')!, inputs.get('0.1')!))
    expect(pOf(masked)).to.be.below(UNIFORMITY_P_MIN)
  })

  it('every key, seed and commitment of the second attempt is new', () => {
    const cluster = abortedOnce()
    const keys = cluster.wire
      .filter(({ type }) => type === 'advertise-keys')
      .flatMap(({ payload }) => {
        const { maskKey, encryptionKey, selfSeedHash } = AdvertiseKeys.decode(payload)
        return [maskKey, encryptionKey, selfSeedHash].map(toHex)
      })
    expect(keys).to.have.lengthOf(2 * n * 3)
    expect(new Set(keys).size).to.equal(keys.length)
  })

  it('a delta enters at most one committed set, and one attempt of a round at most opens a sum', () => {
    const cluster = abortedOnce()
    for (const { sums } of cluster.alive) expect([...sums.keys()]).to.deep.equal(['0.1'])
    expect(longestChain(cluster)[0]!.survivors).to.deep.equal([])
    const addresses = longestChain(cluster).flatMap(({ survivors }) => survivors.map(s => toHex(s.address)))
    expect(new Set(addresses).size).to.equal(addresses.length)
  })

  it('after an abort and after a loss a peer trains anew, on other data', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 } })
    const lives = await cluster.startAll()
    const failing = lives.slice(2)
    for (const { trainer } of failing) trainer.failWith = 'not this time'
    expect(await cluster.runUntil(() => linksOf(lives[0]!).length === 1)).to.equal(true)
    for (const { trainer } of failing) trainer.failWith = null
    expect(await cluster.runToEnd()).to.equal(true)
    expect(linksOf(lives[0]!).map(({ kind }) => kind)).to.deep.equal(['abort', 'result'])
    for (const { trainer } of lives.slice(0, 2)) {
      expect(trainer.jobs).to.have.lengthOf(2)
      const [first, second] = trainer.jobs
      expect(first!.adapter, 'from the same state').to.deep.equal(second!.adapter)
      expect(first!.seed, 'with another batch seed').to.not.equal(second!.seed)
    }
    const seeds = lives.flatMap(({ trainer }) => trainer.jobs.map(({ seed }) => seed))
    expect(new Set(seeds).size, 'nor that of another peer').to.equal(seeds.length)
    await cluster.stop()
  })
})
