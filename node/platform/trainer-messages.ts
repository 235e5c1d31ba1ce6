import type { BackendChoice } from '../backend/stock-backend.ts'
import type { LlamaConfig } from '../model/model-config.ts'
import type { NamedTensor } from '../model/safetensors.ts'
import type { LoraSettings } from '../peft/lora.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import type { TrainErrorCode } from '../train/errors.ts'
import type { EvaluationWindows } from '../train/evaluate.ts'
import type { EvaluateJob, EvaluateResult, TrainJob, TrainResult } from '../train/trainer.ts'

/** What a training thread is started with. The weights lie in shared memory: no thread gets a copy by message. */
export interface TrainerThreadData {
  readonly wasmFolder: string
  readonly config: LlamaConfig
  readonly weights: ReadonlyArray<readonly [name: string, tensor: NamedTensor]>
  readonly lora: LoraSettings
  readonly evaluation: EvaluationWindows
}

export type TrainerTask =
  | { readonly kind: 'train'; readonly job: TrainJob }
  | { readonly kind: 'evaluate'; readonly job: EvaluateJob }

/** A job for a thread: it carries everything, so that any thread can do it. */
export interface TrainerRequest {
  readonly id: number
  readonly task: TrainerTask
  /** Arrays in shared memory. */
  readonly shard: TokenizedShard
  /** [1] in shared memory: set to 1 to stop the job within a step, as the thread reads no messages while it works. */
  readonly abort: Int32Array
}

export type TrainerReply =
  | { readonly kind: 'ready'; readonly backend: BackendChoice }
  | { readonly kind: 'step'; readonly id: number; readonly steps: number; readonly loss: number }
  | { readonly kind: 'done'; readonly id: number; readonly result: TrainResult | EvaluateResult }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly code: TrainErrorCode
      readonly data: Readonly<Record<string, unknown>>
      readonly message: string
    }
