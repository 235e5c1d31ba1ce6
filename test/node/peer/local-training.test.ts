import { expect } from 'chai'
import fc from 'fast-check'
import { gatherSpans, spansOf } from '../../../aggregation/adapter-layout.ts'
import { decodeSum } from '../../../aggregation/encoding.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import { batchSeedOf, encodeTraining, trainJobOf } from '../../../node/peer/local-training.ts'
import { roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import { testRun } from '../../support/chains.ts'

const { run, layout, crypto, initialAdapter, members } = testRun(4, {
  secureSum: { ringBits: 32, clipNorm: 2 },
  training: { schedule: 'cosine', learningRate: 0.2, steps: 7 },
  rounds: 10
})

describe('from the manifest to a training job', () => {
  it('takes the settings as they stand and lets the learning rate fall over the rounds', () => {
    const job = trainJobOf(run, initialAdapter, ['B'], 0, 5)
    expect(job).to.include({ steps: 7, batchSize: 4, sequenceLength: 96, seed: 5, learningRate: 0.2 })
    const rates = Array.from(
      { length: 10 },
      (_, i) => trainJobOf(run, initialAdapter, ['B'], i, 5).learningRate
    )
    for (let i = 1; i < rates.length; i++) expect(rates[i]).to.be.below(rates[i - 1]!)
    expect(rates[9]).to.be.above(0)
  })

  it('trains by AdamW at a constant rate unless the manifest says otherwise', () => {
    const job = trainJobOf(run, initialAdapter, ['B'], 0, 5)
    expect(job).to.deep.include({
      optimizer: { name: 'adamw' },
      schedule: 'constant',
      warmupSteps: 0,
      proximalMu: 0
    })
    const other = testRun(4, {
      training: {
        ...{
          steps: 9,
          warmupSteps: 3,
          stepSchedule: 'cosine',
          optimizer: 'sgd',
          momentum: 0.5,
          proximalMu: 0.01
        }
      }
    })
    expect(trainJobOf(other.run, initialAdapter, ['B'], 0, 5)).to.deep.include({
      optimizer: { name: 'sgd', momentum: 0.5 },
      schedule: 'cosine',
      warmupSteps: 3,
      proximalMu: 0.01
    })
  })

  it('draws other batches in every run, round, attempt and peer, and the same ones every time', () => {
    const [a, b] = members.map(({ id }) => id)
    const seeds = [
      batchSeedOf(run.id, { round: 0, attempt: 0 }, a!, crypto.sha256),
      batchSeedOf(run.id, { round: 1, attempt: 0 }, a!, crypto.sha256),
      batchSeedOf(run.id, { round: 0, attempt: 1 }, a!, crypto.sha256),
      batchSeedOf(run.id, { round: 0, attempt: 0 }, b!, crypto.sha256),
      batchSeedOf(crypto.sha256(run.id), { round: 0, attempt: 0 }, a!, crypto.sha256)
    ]
    expect(new Set(seeds).size).to.equal(5)
    expect(batchSeedOf(run.id, { round: 0, attempt: 0 }, a!, crypto.sha256)).to.equal(seeds[0])
  })
})

describe('from a trained adapter to lanes', () => {
  const encoding = roundEncodingOf(run, layout, 4, 0)
  const spans = spansOf(layout, ['B'])
  const encoded = (trained: Float32Array, weight = 1) =>
    encodeTraining(
      encoding,
      layout,
      ['B'],
      initialAdapter,
      { adapter: trained, meanLoss: 3 },
      2,
      weight,
      seededRandom(1)
    ).input

  it('holds the delta of the trained factors, weighted, to within the quantisation', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(1, 2, 8), (seed, weight) => {
        const random = seededRandom(seed)
        const trained = initialAdapter.map(x => x + (random.nextUint32() / 2 ** 32 - 0.5) / 10)
        const delta = gatherSpans(trained, spans).map((x, i) => x - gatherSpans(initialAdapter, spans)[i]!)
        const sum = decodeSum(encoding, encoded(trained, weight), 1)
        expect(sum.weightSum).to.equal(weight)
        expect(sum.meanMetrics).to.deep.equal([3])
        delta.forEach((x, i) => {
          expect(sum.weightedSum[i]! / weight).to.be.closeTo(x, 1e-5)
        })
      }),
      { numRuns: 20 }
    )
  })

  it('clips what is longer than the norm, and keeps its direction', () => {
    const trained = initialAdapter.map(x => x + 100)
    const { weightedSum } = decodeSum(encoding, encoded(trained), 1)
    const norm = Math.sqrt(weightedSum.reduce((total, x) => total + x * x, 0))
    expect(norm).to.be.closeTo(2, 1e-4)
    for (const x of weightedSum) expect(x).to.be.closeTo(2 / Math.sqrt(100), 1e-3)
  })

  it('erases the trained adapter, also when it is refused', () => {
    const trained = initialAdapter.map(x => x + 1)
    encoded(trained)
    expect(trained.every(x => x === 0)).to.equal(true)
    const broken = initialAdapter.map(x => x + 1)
    broken[spans[0]!.offset] = Number.NaN
    expect(() => encoded(broken))
      .to.throw()
      .with.property('code', 'NON_FINITE')
    expect(broken.every(x => x === 0)).to.equal(true)
  })
})
