/** A trainer that is honest arithmetic on a small vector: each peer is drawn towards a goal of its own. */
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { spansOf } from '../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { sleep } from '../../node/peer/waiting.ts'
import { adapterConfigJson } from '../../node/peft/adapter-config.ts'
import { loraDefaults } from '../../node/peft/adapter-settings.ts'
import { TrainError } from '../../node/train/errors.ts'
import type { Trainer, TrainJob, TrainResult } from '../../node/train/trainer.ts'
import type { Clock } from '../../protocols/ports.ts'
import { tinyConfig } from './tiny-model.ts'

export interface VectorTrainer extends Trainer {
  /** Jobs in the order in which they were begun. */
  readonly jobs: TrainJob[]
  /** Set to make the next jobs fail. */
  failWith: string | null
  /** Jobs that were given up. */
  aborted: number
}

export interface VectorTrainerOptions {
  readonly layout: AdapterLayout
  readonly initial: Float32Array
  readonly baseModelSha256: string
  /** Differs from peer to peer: where this one is drawn to. */
  readonly number: number
  readonly clock: Clock
  /** How long one job takes. */
  readonly trainMs?: number
}

/** What a job leads to: every trained weight goes a part of the way to the peer's goal. A pure function. */
export function vectorTraining(job: TrainJob, layout: AdapterLayout, number: number): TrainResult {
  const random = seededRandom(number)
  const goal = Float32Array.from({ length: layout.length }, () => (random.nextUint32() / 2 ** 32 - 0.5) * 2)
  const jitter = seededRandom(job.seed)
  const adapter = job.adapter.slice()
  let loss = 0
  for (const { offset, length } of spansOf(layout, job.factors)) {
    for (let i = offset; i < offset + length; i++) {
      const pull = goal[i]! - job.adapter[i]!
      loss += pull * pull
      adapter[i] = job.adapter[i]! + 0.5 * pull + (jitter.nextUint32() / 2 ** 32 - 0.5) / 100
    }
  }
  const meanLoss = loss / layout.length
  return {
    adapter,
    steps: job.steps,
    endedBy: 'steps',
    seconds: null,
    energyJoules: null,
    meanLoss,
    lastLoss: meanLoss,
    tokens: job.steps * job.batchSize * job.sequenceLength
  }
}

export function vectorTrainer(options: VectorTrainerOptions): VectorTrainer {
  const { layout, initial, baseModelSha256, number, clock, trainMs = 1_000 } = options
  const trainer: VectorTrainer = {
    jobs: [],
    failWith: null,
    aborted: 0,
    layout,
    adapterKind: 'lora',
    adapterConfigJson: baseModel => adapterConfigJson(loraDefaults, tinyConfig, baseModel),
    baseModelSha256,
    initialAdapter: () => initial.slice(),
    async train(job, onProgress = () => {}, signal = new AbortController().signal) {
      trainer.jobs.push(job)
      // As it was when the job began: the caller may move on to another adapter.
      const result = vectorTraining(job, layout, number)
      await sleep(clock, trainMs, signal)
      if (signal.aborted) {
        trainer.aborted++
        throw new TrainError('ABORTED', {}, 'aborted')
      }
      if (trainer.failWith !== null) throw new TrainError('DIVERGED', {}, trainer.failWith)
      onProgress(job.steps, result.meanLoss)
      return result
    },
    evaluate: async () => ({ nats: 0, tokens: 0, bytes: 0, bitsPerByte: Number.NaN, seconds: null }),
    close: async () => {}
  }
  return trainer
}
