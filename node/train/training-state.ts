import type { EarlyStopState } from './early-stopping.ts'

/**
 * Everything that the next step of a job depends on besides the job itself: a job that goes on from it continues as if it
 * had never been interrupted. Its arrays are those of the job under way: whoever keeps them copies them.
 */
export interface TrainingState {
  /** Done. */
  readonly steps: number
  /** Nats per token of each step done, [steps]. */
  readonly losses: readonly number[]
  /** Wall time of these steps. */
  readonly spentMs: number
  /** The trained factors, [t], as gatherSpans lays them. */
  readonly trained: Float32Array
  /** Of the optimizer, [t] each. */
  readonly moments: Readonly<Record<string, Float32Array>>
  /** Null in a job that does not stop early. */
  readonly earlyStop: EarlyStopState | null
}

/** Where the state of one job is kept. */
export interface JobCheckpoints {
  /** When a state is due: after so many steps, or after so many milliseconds. */
  readonly every: CheckpointInterval
  /** The latest state that was kept, or null. */
  load(): Promise<TrainingState | null>
  save(state: TrainingState): Promise<void>
}

export type CheckpointInterval = { readonly steps: number } | { readonly ms: number }
