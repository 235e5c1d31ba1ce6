import type { BackendName } from '../backend/backend.ts'
import type { BackendErrorCode } from '../backend/errors.ts'
import type { ModelConfig } from '../model/model-config.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import type { CheckpointNotice } from '../train/checkpoint-store.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import type { TrainErrorCode } from '../train/errors.ts'
import type { EvaluationWindows } from '../train/evaluate.ts'
import type { StepPlan } from '../train/micro-batches.ts'
import type { EvaluateJob, EvaluateResult, TrainJob, TrainResult } from '../train/trainer.ts'
import type { CheckpointInterval } from '../train/training-state.ts'
import type { JobControl } from './job-control.ts'
import type { BackendRequest } from './open-backend.ts'
import type { CheckpointPlace } from './training-checkpoints.ts'

/** What a training thread is started with. It reads the weights itself, tensor by tensor. */
export interface TrainerThreadData {
  readonly backend: BackendRequest
  readonly modelFolder: string
  readonly config: ModelConfig
  readonly adapter: AdapterSettings
}

/** The backend that a training thread opened, in words that can be sent. */
export interface BackendReport {
  readonly name: BackendName
  readonly description: string
  readonly threads: number
  /** Why it is not a faster one, a line each. */
  readonly notes: readonly string[]
}

export type TrainerTask =
  | { readonly kind: 'train'; readonly job: TrainJob; readonly manner: JobManner }
  | { readonly kind: 'evaluate'; readonly job: EvaluateJob; readonly windows: EvaluationWindows }

/** How this machine does a job, and how much of it. */
export interface JobManner {
  readonly plan: StepPlan
  readonly secondsMax?: number
  readonly keep?: {
    readonly place: CheckpointPlace
    readonly every: CheckpointInterval
    readonly fingerprint: string
  }
}

/** What a person is told of the training, each thing once. */
export interface TrainerNotice {
  readonly kind: CheckpointNotice['kind'] | 'power' | 'memory'
  readonly message: string
}

/** A job for a thread: it carries everything, so that any thread can do it. */
export interface TrainerRequest {
  readonly id: number
  readonly task: TrainerTask
  /** Arrays in shared memory. */
  readonly shard: TokenizedShard
  readonly control: JobControl
}

export type TrainerReply =
  /** The backend is there; the model is still to be read. */
  | { readonly kind: 'opened'; readonly backend: BackendReport }
  | { readonly kind: 'ready'; readonly backend: BackendReport }
  | {
      /** The backend cannot be opened: the thread ends. */
      readonly kind: 'unavailable'
      readonly code: BackendErrorCode
      readonly data: Readonly<Record<string, unknown>>
      readonly message: string
    }
  | { readonly kind: 'notice'; readonly id: number; readonly notice: TrainerNotice }
  | { readonly kind: 'step'; readonly id: number; readonly steps: number; readonly loss: number }
  | { readonly kind: 'done'; readonly id: number; readonly result: TrainResult | EvaluateResult }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly code: TrainErrorCode
      readonly data: Readonly<Record<string, unknown>>
      readonly message: string
    }
