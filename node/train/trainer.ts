import type { AdapterFactor, AdapterLayout } from '../../aggregation/adapter-layout.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'

/** Stops before the data is learnt by heart: part of the training text is set apart and measured on. */
export interface EarlyStop {
  readonly evaluateEverySteps: number
  /** Ends after this many measurements in a row without a new best. */
  readonly patience: number
  /** Share of the end of the training text that is set apart, in (0, 1). */
  readonly holdOutFraction: number
}

/** What moves the weights against the gradient, with PyTorch's defaults where nothing is said. */
export type OptimizerSettings =
  | { readonly name: 'adamw'; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number }
  | { readonly name: 'sgd'; readonly momentum?: number }

/** One peer's local training of one round: everything that the result depends on besides the data. */
export interface TrainJob {
  /** [layout.length], where training starts. Not changed. */
  readonly adapter: Float32Array
  /** The factors that are trained; the others come back as they were. */
  readonly factors: readonly AdapterFactor[]
  readonly steps: number
  /** Windows per step. */
  readonly batchSize: number
  /** Tokens per window. */
  readonly sequenceLength: number
  /** The largest of the job. */
  readonly learningRate: number
  /** Steps over which the learning rate rises to it from 0; 0 by default. */
  readonly warmupSteps?: number
  /** After them: `constant`, which is the default, or down to 0 along half a cosine. */
  readonly schedule?: 'constant' | 'cosine'
  /** Begins afresh with each job; AdamW by default. */
  readonly optimizer?: OptimizerSettings
  readonly weightDecay: number
  /** Largest Euclidean norm of a step's gradient; longer ones are scaled down. */
  readonly gradientClipNorm: number
  /** Strength of the pull back to `adapter` (FedProx); 0, none, by default. */
  readonly proximalMu?: number
  /** A safe integer: which windows are drawn, and what dropout drops. */
  readonly seed: number
  readonly earlyStop?: EarlyStop
}

/** `steps`: all were done; `seconds`: the next step would have passed the time allowed; `power`: the battery is low. */
export type TrainingEnd = 'steps' | 'early-stop' | 'seconds' | 'power'

export interface TrainResult {
  /** [layout.length]; with early stopping, the best one measured (which can be the one given). */
  readonly adapter: Float32Array
  /** Optimizer steps done, those before an interruption too. */
  readonly steps: number
  /** Why there are not more of them. */
  readonly endedBy: TrainingEnd
  /** Wall time of the steps, those before an interruption too; null where no clock was given. */
  readonly seconds: number | null
  /** What the whole machine took meanwhile; null where it does not say. */
  readonly energyJoules: number | null
  /** Nats per token over all steps. */
  readonly meanLoss: number
  /** Nats per token of the last step. */
  readonly lastLoss: number
  /** Tokens trained on, repeats counted. */
  readonly tokens: number
}

export interface EvaluateJob {
  /** [layout.length], or null for the base model alone. */
  readonly adapter: Float32Array | null
  readonly split: 'heldOut' | 'train'
}

/** How well a text is predicted. */
export interface TextMeasure {
  /** Sum over the predicted tokens. */
  readonly nats: number
  /** Tokens predicted: every token of the split but the first. */
  readonly tokens: number
  /** UTF-8 bytes of the predicted tokens; 0 for the training split, whose bytes are not kept. */
  readonly bytes: number
  /** nats / ln 2 / bytes; NaN where bytes are not known. */
  readonly bitsPerByte: number
}

export interface EvaluateResult extends TextMeasure {
  /** Wall time; null where no clock was given. */
  readonly seconds: number | null
}

export interface TrainerCheckpoints {
  /** Steps after which a job was kept last; 0 if it was not. */
  stepsOf(job: TrainJob): Promise<number>
  /** Deletes what was kept of all other jobs, for good when it returns. @returns how many states @throws FilesError */
  keepOnly(jobs: readonly TrainJob[]): Promise<number>
}

/** Trains and measures adapters of one frozen model on one client's private data. */
export interface Trainer {
  readonly layout: AdapterLayout
  readonly adapterKind: AdapterSettings['kind']
  /** The text of the adapter's `adapter_config.json`. @param baseModel - what it shall call the base model */
  adapterConfigJson(baseModel: string): string
  /** Hex digest of the frozen model, which must be the same for all peers of a run. */
  readonly baseModelSha256: string
  /** The adapter that every peer of the run starts from, [layout.length]. */
  initialAdapter(): Float32Array
  /**
   * The same job on the same backend gives the same bytes.
   * @param onProgress - after each step: steps done and that step's loss in nats per token
   * @param signal - ends the job within a step, with TrainError ABORTED
   * @throws TrainError BAD_JOB, DIVERGED, ABORTED, WORKER_FAILED, CLOSED
   */
  train(
    job: TrainJob,
    onProgress?: (steps: number, loss: number) => void,
    signal?: AbortSignal
  ): Promise<TrainResult>
  /** @throws TrainError BAD_JOB, WORKER_FAILED, CLOSED */
  evaluate(job: EvaluateJob): Promise<EvaluateResult>
  /** What is kept of interrupted jobs on this machine's disk, if anything is: `train` goes on from it. */
  readonly checkpoints?: TrainerCheckpoints
  close(): Promise<void>
}
