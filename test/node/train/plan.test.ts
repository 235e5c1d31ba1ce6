import { expect } from 'chai'
import fc from 'fast-check'
import { loraDefaults } from '../../../node/peft/adapter-settings.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { MemoryEstimate } from '../../../node/train/memory-estimate.ts'
import { type MemoryBudget, planText, planTraining, smallerPlan } from '../../../node/train/plan.ts'
import { tinyConfig } from '../../support/tiny-model.ts'

const config = { ...tinyConfig, layerCount: 6, windows: Array(6).fill(null), maxPositions: 512 }
const estimate = new MemoryEstimate(config, loraDefaults, 'wasm')
const budgetOf = (tensorBytes: number): MemoryBudget => ({
  allowedBytes: tensorBytes + 1e6,
  besidesBytes: 1e6,
  tensorBytes,
  where: 'in memory'
})
const batch = { batchSize: 12, sequenceLength: 64 }

describe('the plan for a memory limit', () => {
  it('is the fastest that fits: larger pieces before smaller ones, every activation kept before twice computed', async () => {
    const all: Array<{ microBatchSize: number; mode: 'record' | 'checkpoint'; bytes: number }> = []
    for (const mode of ['record', 'checkpoint'] as const) {
      for (let microBatchSize = batch.batchSize; microBatchSize >= 1; microBatchSize--) {
        const bytes = await estimate.stepBytes({ microBatchSize, mode }, batch.sequenceLength)
        all.push({ microBatchSize, mode, bytes })
      }
    }
    const [least, most] = [Math.min(...all.map(({ bytes }) => bytes)), all[0]!.bytes]
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: least, max: 2 * most }), async limitBytes => {
        const plan = await planTraining(estimate, batch, budgetOf(limitBytes))
        const fastest = all.find(({ bytes }) => bytes <= limitBytes)!
        expect(plan.mode).to.equal(fastest.mode)
        const pieces = Math.ceil(batch.batchSize / plan.microBatchSize)
        expect(pieces).to.equal(Math.ceil(batch.batchSize / fastest.microBatchSize))
        expect(plan.estimatedBytes).to.be.at.most(limitBytes)
        expect(plan.wholeBytes).to.equal(most)
      }),
      { numRuns: 40 }
    )
  })

  it('says what it chose, and why', async () => {
    const { wholeBytes } = await planTraining(estimate, batch, budgetOf(Number.POSITIVE_INFINITY))
    const textFor = async (limitBytes: number) =>
      planText(await planTraining(estimate, batch, budgetOf(limitBytes)), batch)
    expect(await textFor(Number.POSITIVE_INFINITY)).to.match(
      /^whole batches of 12 x 64 tokens: about \d+ MB in memory$/
    )
    expect(await textFor(2 * wholeBytes)).to.match(/: about \d+ MB of \d+ MB in memory$/)
    expect(await textFor(0.6 * wholeBytes)).to.match(
      /^batches of 12 x 64 tokens in 2 pieces of 6, whose gradients are added up: about .* would take \d+ MB$/
    )
    const lean = await estimate.stepBytes({ microBatchSize: 1, mode: 'checkpoint' }, 64)
    expect(await textFor(lean)).to.match(
      /in 12 pieces of 1, .*, with the activations of each layer computed twice: /
    )
  })

  it('is refused where nothing fits, with the longest windows and the largest model that would', async () => {
    const lean = (length: number) => estimate.stepBytes({ microBatchSize: 1, mode: 'checkpoint' }, length)
    const limitBytes = (await lean(64)) - 1
    const error = await planTraining(estimate, batch, budgetOf(limitBytes)).catch(error => error)
    expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'DOES_NOT_FIT')
    const sequenceMax = error.data['sequenceMax'] as number
    expect(await lean(sequenceMax)).to.be.at.most(limitBytes)
    expect(await lean(sequenceMax + 1)).to.be.above(limitBytes)
    expect(error.message).to.contain('1 MB of them the model').and.to.contain('the program itself takes 1 MB')
    expect(error.message).to.contain(`windows of ${sequenceMax} tokens instead of 64`)
    expect(
      await planTraining(estimate, { ...batch, sequenceLength: sequenceMax }, budgetOf(limitBytes))
    ).to.include({
      microBatchSize: 1,
      mode: 'checkpoint'
    })
  })

  it('names the size of a model that would fit: one of fewer layers does', async () => {
    const wide = { ...config, hiddenSize: 128, headSize: 32, intermediateSize: 512, vocabularySize: 512 }
    const full = new MemoryEstimate(wide, loraDefaults, 'wasm')
    const limitBytes = 0.7 * full.weightsBytes
    const error = await planTraining(full, batch, budgetOf(limitBytes)).catch(error => error)
    const parametersMax = error.data['parametersMax'] as number
    expect(error.message).to.contain(
      `a model of at most ${(parametersMax / 1e6).toPrecision(2)} million parameters`
    )
    const perLayer =
      (full.weightsBytes -
        new MemoryEstimate({ ...wide, layerCount: 5 }, loraDefaults, 'wasm').weightsBytes) /
      4
    const layers = 6 - Math.ceil((full.weightsBytes / 4 - parametersMax) / perLayer)
    expect(layers).to.be.within(1, 5)
    const fitting = new MemoryEstimate({ ...wide, layerCount: layers }, loraDefaults, 'wasm')
    expect((await planTraining(fitting, batch, budgetOf(limitBytes))).estimatedBytes).to.be.at.most(
      limitBytes
    )
  })

  it('has a smaller one after it, down to the least', () => {
    const seen = []
    for (
      let plan = smallerPlan({ microBatchSize: 5, mode: 'record' });
      plan !== null;
      plan = smallerPlan(plan)
    )
      seen.push(`${plan.microBatchSize} ${plan.mode}`)
    expect(seen).to.deep.equal(['3 record', '2 record', '1 record', '1 checkpoint'])
  })
})
