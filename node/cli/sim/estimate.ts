/** How long a simulation will take, from a few measured steps. */
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import type { Trainer } from '../../train/trainer.ts'

const WARM_UP_STEPS = 2
const MEASURED_STEPS = 4

/** Rounds wait for the slowest peer, for messages and for measurements between them; measured on two cores. */
const OVERHEAD = 1.25

/** Measuring a token needs no pass backward, which takes as long as the one forward: the base gets no gradient. */
const MEASURED_TOKEN_SHARE = 0.5

/** Of all peers and baselines together. */
export interface Work {
  /** Optimizer steps. */
  readonly steps: number
  /** Held-out tokens, each as often as it is measured. */
  readonly measuredTokens: number
}

/**
 * @param trainersAtOnce - that compute side by side
 * @returns seconds of wall time
 */
export async function estimateSeconds(
  trainer: Trainer,
  { training }: RunManifest,
  { steps, measuredTokens }: Work,
  trainersAtOnce: number
): Promise<number> {
  const { batchSize, sequenceLength, learningRate, weightDecay, gradientClipNorm } = training
  const job = {
    adapter: trainer.initialAdapter(),
    factors: ['B'] as const,
    batchSize,
    sequenceLength,
    learningRate,
    weightDecay,
    gradientClipNorm,
    seed: 0
  }
  await trainer.train({ ...job, steps: WARM_UP_STEPS })
  const startedAtMs = performance.now()
  await trainer.train({ ...job, steps: MEASURED_STEPS })
  const secondsPerStep = (performance.now() - startedAtMs) / 1000 / MEASURED_STEPS
  const measuring = (MEASURED_TOKEN_SHARE * measuredTokens) / (batchSize * sequenceLength)
  return (OVERHEAD * secondsPerStep * (steps + measuring)) / trainersAtOnce
}
