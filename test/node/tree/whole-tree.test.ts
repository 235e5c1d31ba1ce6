import { expect } from 'chai'
import { gatherSpans, spansOf } from '../../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../../aggregation/blob-address.ts'
import { addCohortSums } from '../../../aggregation/cohort-sum.ts'
import { decodeIntegers, integersOf, roundWeight } from '../../../aggregation/encoding.ts'
import { type Random, seededRandom } from '../../../aggregation/random.ts'
import { applyRound, encodeState, initialState } from '../../../aggregation/replicated-state.ts'
import { serverOptimizerOf } from '../../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../../aggregation/strategies.ts'
import { encodeTraining } from '../../../node/peer/local-training.ts'
import { roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { toHex } from '../../../protocols/hex.ts'
import { hasEvent, linksOf, PeerCluster, type PeerLife } from '../../support/peer-cluster.ts'
import { vectorTraining } from '../../support/vector-trainer.ts'

/** Sixteen members in four leaves of four; two parent cohorts of four above them, and a root of four. */
const cohort = { founders: 16, size: 4, larger: 'tree', fanIn: 2 }

const rounding = (number: number, count: number): Random => seededRandom(1000 * number + count)

describe('a network of several cohorts', () => {
  it('comes in three levels to the sum of everyone, to the last bit, and to their weighted mean', async () => {
    const cluster = new PeerCluster({
      founders: 16,
      manifest: { rounds: 2, strategy: 'fedit', cohort },
      rounding
    })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.splits()).to.deep.equal([])
    const { layout, manifest, run, initialAdapter } = cluster.run
    const crypto = nodeCrypto()
    let state = initialState(initialAdapter, manifest.secureSum.clipNorm)
    const links = linksOf(lives[0]!)
    expect(links.map(({ kind, node, children }) => [kind, node, children.length])).to.deep.equal([
      ['result', '2/0', 2],
      ['result', '2/0', 2]
    ])
    for (const [round, link] of links.entries()) {
      const encoding = roundEncodingOf(run, layout, 4, round)
      expect(link.survivors.map(({ peer }) => peer).sort()).to.deep.equal(
        lives.map(({ member }) => member.id).sort()
      )
      const sum = addCohortSums(
        lives.map(life => Int32Array.from(integersOf(encoding, inputOf(life, round, cluster).input)))
      )
      const decoded = decodeIntegers(encoding, sum, 16)
      const before = state.adapter
      state = applyRound(
        state,
        decoded,
        strategyByName('fedit'),
        serverOptimizerOf(manifest.serverOptimizer),
        layout
      )
      const hash = addressOf(chunkHashes(encodeState(state), crypto), crypto)
      expect(toHex(link.stateHash)).to.equal(toHex(hash))
      expect(link.weightSum).to.equal(decoded.weightSum)
      expect(link.meanLoss).to.equal(decoded.meanMetrics[0])
      // By itself: what each trained, weighted, in floating point.
      const mean = meanOf(lives, round, before)
      const moved = state.adapter.map((value, i) => value - before[i]!)
      for (const [i, value] of moved.entries()) expect(value).to.be.closeTo(mean[i]!, 2e-3)
    }
    expect(cluster.stateHashes()).to.deep.equal(new Set([toHex(links[1]!.stateHash)]))
    await cluster.stop()
  })

  it('seats everyone anew in every round, and says where', async () => {
    const cluster = new PeerCluster({
      founders: 9,
      manifest: { rounds: 2, cohort: { ...cohort, founders: 9 } }
    })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    const places = lives.map(({ events }) =>
      events.filter(event => event.type === 'notice' && event.notice === 'placed')
    )
    for (const round of [0, 1]) {
      const sizes = places.map(of => of[round]!)
      expect(new Set(sizes.map(({ leaf }) => leaf)), `round ${round}`).to.deep.equal(new Set([0, 1]))
      for (const { leaves, levels, cohort } of sizes) {
        expect([leaves, levels]).to.deep.equal([2, 2])
        expect(cohort.length).to.be.within(4, 5)
      }
      // The root is a cohort of four.
      expect(sizes.filter(({ adds }) => adds.includes(1)).length).to.equal(4)
    }
    expect(places.some(([first, second]) => first!.cohort.join() !== second!.cohort.join())).to.equal(true)
    await cluster.stop()
  })

  it('is one cohort while there are too few for two', async () => {
    const cluster = new PeerCluster({
      founders: 7,
      manifest: { rounds: 1, cohort: { ...cohort, founders: 7 } }
    })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    const [link] = linksOf(lives[0]!)
    expect([link!.kind, link!.node, link!.survivors.length]).to.deep.equal(['result', undefined, 7])
    expect(hasEvent(lives[0]!, 'warning')).to.equal(false)
    await cluster.stop()
  })
})

/** What one peer put in. */
function inputOf(
  { number, trainer }: PeerLife,
  round: number,
  { run: { run, layout, manifest } }: PeerCluster
) {
  const encoding = roundEncodingOf(run, layout, 4, round)
  const job = trainer.jobs[round]!
  const trained = vectorTraining(job, layout, number)
  const weight = roundWeight(number, encoding.maxWeight)
  const { clipNorm } = manifest.secureSum
  return encodeTraining(
    encoding,
    layout,
    job.factors,
    job.adapter,
    trained,
    clipNorm,
    weight,
    rounding(number, round)
  )
}

function meanOf(lives: readonly PeerLife[], round: number, before: Float32Array): Float64Array {
  const mean = new Float64Array(before.length)
  let weights = 0
  for (const { number, trainer } of lives) {
    const job = trainer.jobs[round]!
    const weight = roundWeight(number, 8)
    const { adapter } = vectorTraining(job, trainer.layout, number)
    const spans = spansOf(trainer.layout, job.factors)
    const delta = gatherSpans(adapter, spans).map((value, i) => value - gatherSpans(before, spans)[i]!)
    const norm = Math.hypot(...delta)
    weights += weight
    for (const [i, value] of delta.entries()) mean[i]! += weight * value * Math.min(1, 4 / norm)
  }
  return mean.map(value => value / weights)
}
