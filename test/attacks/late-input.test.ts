import { expect } from 'chai'
import { expandInto } from '../../aggregation/mask.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { UnmaskBundle } from '../../protocols/messages.js'
import { testDeadlines, testRun } from '../support/chains.ts'
import { contradictions, longestChain, plainSum } from '../support/cluster-claims.ts'
import { expectLaidBare, f, masking, n, others, pOf, record, t, victim } from '../support/recorded-round.ts'
import { RoundCluster } from '../support/round-cluster.ts'
import { UNIFORMITY_P_MIN } from '../support/uniformity.ts'

const isLate = (from: string, { type }: { type: string }) => from === victim && type === 'masked-input'

describe('a late input of a member that was declared dropped', () => {
  it('is hidden by its self mask alone, whoever has all the pair masks', () => {
    const late = record({ deliver: (from, _to, message) => !isLate(from, message) })
    expect(late.transcript.survivors).to.not.include(victim)
    expect(late.transcript.survivors).to.have.lengthOf(n - 1)
    for (const c of [0, f, t - 1]) {
      const { residual, derived } = late.transcript.residualOf(victim, late.secretsOf(others.slice(0, c)))
      expect([...derived].sort(), 'every pair mask').to.deep.equal([...others].sort())
      expect(pOf(residual), `${c} colluders`).to.be.above(UNIFORMITY_P_MIN)
    }
    // And the sum is that of the others.
    const sum = plainSum(late.cluster, 0, 0, late.transcript.survivors)
    for (const { sums } of late.cluster.alive) expect(sums.get('0.0')).to.deep.equal(sum)
  })

  it('that comes once the set is committed opens nothing: not one share of its seed is released', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    const [slow] = run.members
    const kept: SignedMessage[] = []
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 3,
      deliver: (from, _to, message) => {
        if (from !== slow!.id || message.type !== 'masked-input') return true
        const isOver = cluster.wire.some(({ type }) => type === 'unmask-bundle')
        if (!isOver && !kept.includes(message)) kept.push(message)
        return isOver
      },
      onEffect: (_id, effect) => {
        if (effect.type === 'gossip' && effect.message.type === 'unmask-bundle')
          cluster.at(cluster.nowMs + 1, () => {
            for (const message of kept.splice(0)) cluster.inject(message)
          })
        return true
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    const { survivors } = longestChain(cluster)[0]!
    const peers = survivors.map(({ peer }) => peer)
    expect(peers).to.have.lengthOf(3).and.not.include(slow!.id)
    expect(kept).to.deep.equal([])
    expect(contradictions(cluster)).to.deep.equal([])
    const bundles = cluster.wire.filter(({ type }) => type === 'unmask-bundle')
    for (const { payload } of bundles)
      expect(UnmaskBundle.decode(payload).seedShares, 'of b, for the survivors only').to.have.lengthOf(3)
    for (const { sums } of cluster.alive)
      expect(sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, peers))
  })

  it('lies bare if the self mask is one that everybody knows', () => {
    const selfKey = new Uint8Array(32).fill(4)
    const broken = record({
      ...masking(id => (id === victim ? { selfKey } : {})),
      deliver: (from, _to, message) => !isLate(from, message)
    })
    const { residual } = broken.transcript.residualOf(victim, new Map())
    expandInto(residual, selfKey, -1, broken.cluster.crypto)
    expectLaidBare(broken, residual)
  })

  it('is not announced by a member that is ready once the set is committed', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    const [slow] = run.members
    let isFed = false
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 3,
      instead: (id, effect) => (effect.type === 'mask' && id === slow!.id ? [] : [effect]),
      onStep: id => {
        const { attempt } = cluster.peer(id).state
        if (id !== slow!.id || isFed || attempt?.survivors == null) return
        isFed = true
        const [address, lengthBytes] = [new Uint8Array(32), attempt.survivors[0]!.lengthBytes]
        const { round, attempt: number } = attempt
        cluster.at(cluster.nowMs, () =>
          cluster.feed(cluster.peer(id), {
            type: 'input-masked',
            round,
            attempt: number,
            address,
            lengthBytes
          })
        )
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(isFed).to.equal(true)
    const announced = cluster.wire.filter(
      ({ type, sender }) => type === 'masked-input' && sender === slow!.id
    )
    expect(announced).to.deep.equal([])
  })
})
