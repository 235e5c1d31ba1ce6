import type { CheckpointInterval, JobCheckpoints, TrainingState } from '../../node/train/training-state.ts'

/** Checkpoints in memory: every state that was saved, the latest of which is gone on from. */
export interface KeptStates extends JobCheckpoints {
  readonly states: TrainingState[]
}

export function keptStates(every: CheckpointInterval, from: TrainingState | null = null): KeptStates {
  const states: TrainingState[] = []
  return {
    every,
    states,
    load: async () => from,
    save: async state => void states.push(structuredClone(state))
  }
}
