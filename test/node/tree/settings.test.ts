import { expect } from 'chai'
import { privacyPlanOf } from '../../../node/peer/private-round.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import { treeCluster, treeOf } from '../../support/tree-cluster.ts'

describe('a network of several cohorts', () => {
  it('with privacy noise adds up noised sums, charges each round once, and comes to one state', async () => {
    const privacy = { mechanism: 'skellam', noiseMultiplier: 2, epsilon: 50, delta: 1e-5 }
    const cluster = treeCluster({
      founders: 9,
      manifest: { rounds: 2, strategy: 'ffa', privacy, secureSum: { ringBits: 20 } }
    })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const links = linksOf(lives[0]!)
    expect(links.map(({ kind, survivors }) => [kind, survivors.length])).to.deep.equal([
      ['result', 9],
      ['result', 9]
    ])
    const [first, second] = links.map(({ epsilonSpent }) => epsilonSpent)
    expect(first).to.be.above(0)
    expect(second).to.be.above(first!)
    for (const { meanLoss, weightSum } of links)
      expect({ meanLoss, weightSum }).to.deep.equal({ meanLoss: 0, weightSum: 9 })
    await cluster.stop()
  })

  it('has its noise sized by the smallest cohort that a round can have: its sum is public too', () => {
    const privacy = { mechanism: 'skellam', noiseMultiplier: 2 }
    const { manifest, layout } = treeCluster({ founders: 9, manifest: { strategy: 'ffa', privacy } }).run
    // Cohorts of five and of four: t = 3 of four survive, one of whom may collude.
    const plan = privacyPlanOf(manifest, layout, 5, 0)!
    expect(plan.settings).to.include({ participants: 5, threshold: 3, colluders: 1 })
    expect(plan.honestShares).to.equal(2)
    const drawn = { ...manifest, cohort: { ...manifest.cohort, larger: 'draw' as const } }
    expect(privacyPlanOf(drawn, layout, 5, 0)!.honestShares).to.equal(3)
  })

  it('with committees of verifiers has one in each cohort', async () => {
    const cluster = treeCluster({
      founders: 12,
      manifest: { cohort: { size: 6 }, secureSum: { verifiers: 4 } }
    })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const [link] = linksOf(lives[0]!)
    expect([link!.kind, link!.survivors.length, link!.children.length]).to.deep.equal(['result', 12, 2])
    // Two of the six in each cohort pulled no masked input but what the committee needs.
    const held = lives.map(
      ({ events }) => events.filter(event => event.type === 'notice' && event.notice === 'input-held').length
    )
    expect(held.filter(count => count === 0).length).to.equal(4)
    await cluster.stop()
  })

  it('takes in a latecomer from the round after it registers', async () => {
    const cluster = treeCluster({ founders: 8, manifest: { rounds: 3 } })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => linksOf(lives[0]!).length === 1)
    const late = await cluster.start(9)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const links = linksOf(lives[0]!)
    expect(links.at(-1)!.members).to.include(late.member.id)
    expect(links.at(-1)!.survivors.map(({ peer }) => peer)).to.include(late.member.id)
    expect(() => treeOf(cluster, late)).to.not.throw()
    await cluster.stop()
  })
})
