import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { trainingBatches } from '../../../node/train/batches.ts'
import { localTrainer } from '../../../node/train/local-trainer.ts'
import type { TrainJob } from '../../../node/train/trainer.ts'
import { exampleText } from '../../support/example-text.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny } from '../../support/tiny-model.ts'

describe('training on examples', () => {
  const backend = useBackend()
  /** Prompts of two tokens, answered by the second of them, three times. */
  const answers = exampleText(Array.from({ length: 24 }, () => ({ prompt: 2, completion: 3 })))
  for (let i = 0; i < answers.ids.length; i++) {
    const example = Math.floor(i / 5)
    answers.ids[i] = i % 5 === 0 ? (example * 7) % 16 : example % 4
  }
  const shard = {
    train: answers.ids,
    trainExamples: answers.examples!,
    heldOut: answers.ids.slice(0, 20),
    heldOutExamples: { starts: Int32Array.of(0, 5, 10, 15), counts: answers.examples!.counts.slice(0, 20) },
    heldOutTokenBytes: new Int32Array(20).fill(1),
    description: 'answers'
  }

  it('learns what counts, from batches in which nothing else is predicted', async () => {
    const model = await openTiny(backend())
    const trainer = localTrainer(model, shard, {
      baseModelSha256: 'ab'.repeat(32),
      initialisationSeed: 1,
      evaluation: { sequenceLength: 8, batchSize: 2 }
    })
    const job: TrainJob = {
      adapter: trainer.initialAdapter(),
      factors: ['A', 'B'],
      steps: 30,
      batchSize: 2,
      sequenceLength: 9,
      learningRate: 0.02,
      weightDecay: 0,
      gradientClipNorm: 1,
      seed: 3
    }
    const losses: number[] = []
    const { adapter } = await trainer.train(job, (_, loss) => losses.push(loss))
    const first = trainingBatches(answers, 2, 9, seededRandom(3)).next()
    const counted = first.targets.filter(target => target !== -1).length
    expect(losses[0]).to.be.closeTo(
      (await model.nats(first.tokens, first.targets, job.adapter)) / counted,
      1e-5
    )
    const heldOut = async (adapter: Float32Array | null) => trainer.evaluate({ adapter, split: 'heldOut' })
    const [before, after] = [await heldOut(null), await heldOut(adapter)]
    expect([before.tokens, before.bytes]).to.deep.equal([12, 12])
    expect(after.nats).to.be.lessThan(0.7 * before.nats)
    const stopped = await trainer.train({
      ...job,
      earlyStop: { evaluateEverySteps: 10, patience: 2, holdOutFraction: 0.25 }
    })
    expect(stopped.steps).to.be.at.least(10)
    model.base.dispose()
  })
})
