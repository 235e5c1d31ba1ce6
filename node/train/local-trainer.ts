import { seededRandom } from '../../aggregation/random.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import { adapterConfigJson } from '../peft/adapter-config.ts'
import { heldOutText, type TokenizedShard, trainText } from './dataset.ts'
import { TrainError } from './errors.ts'
import { type EvaluationWindows, evaluateText } from './evaluate.ts'
import { trainAdapter } from './loop.ts'
import type { EvaluateJob, EvaluateResult, Trainer } from './trainer.ts'

/** What a trainer is opened with besides the model. */
export interface TrainerSettings {
  readonly baseModelSha256: string
  /** Seed of the first adapter; every peer of a run has the same. */
  readonly initialisationSeed: number
  readonly evaluation: EvaluationWindows
}

/** Runs an evaluation job. @throws TrainError BAD_JOB */
export async function evaluateShard(
  model: AdaptedModel,
  shard: TokenizedShard,
  job: EvaluateJob,
  windows: EvaluationWindows
): Promise<EvaluateResult> {
  const text = job.split === 'heldOut' ? heldOutText(shard) : trainText(shard)
  const expected = model.layout.length
  if (job.adapter !== null && job.adapter.length !== expected) {
    const data = { field: 'adapter', got: job.adapter.length, expected }
    throw new TrainError(
      'BAD_JOB',
      data,
      `the adapter has ${job.adapter.length} values, expected ${expected}`
    )
  }
  if (text.ids.length < 2) {
    const data = { field: job.split, got: text.ids.length, expected: 2 }
    throw new TrainError(
      'BAD_JOB',
      data,
      `the ${job.split} text has ${text.ids.length} tokens: 2 are the least that can be measured`
    )
  }
  return evaluateText(
    model,
    text,
    job.split === 'heldOut' ? shard.heldOutTokenBytes : null,
    job.adapter,
    windows
  )
}

/** A trainer on this thread: simple, and it blocks the thread while it works. `signal` is looked at between steps. */
export function localTrainer(model: AdaptedModel, shard: TokenizedShard, settings: TrainerSettings): Trainer {
  return {
    layout: model.layout,
    adapterKind: model.adapter.settings.kind,
    adapterConfigJson: baseModel => adapterConfigJson(model.adapter.settings, model.base.config, baseModel),
    baseModelSha256: settings.baseModelSha256,
    initialAdapter: () => model.adapter.initial(seededRandom(settings.initialisationSeed)),
    async train(job, onProgress = () => {}, signal) {
      const isAborted = () => signal?.aborted === true
      return trainAdapter(model, trainText(shard), job, { onStep: onProgress, isAborted })
    },
    async evaluate(job) {
      return evaluateShard(model, shard, job, settings.evaluation)
    },
    async close() {}
  }
}
