/** How long a simulation will take, from a few measured steps. */
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import type { Trainer } from '../../train/trainer.ts'

const WARM_UP_STEPS = 2
const MEASURED_STEPS = 4

/** Rounds wait for the slowest peer, for messages and for measurements between them; measured on two cores. */
const OVERHEAD = 1.25

/**
 * @param peerSteps - optimizer steps of all peers and baselines together
 * @param threads - that train side by side
 * @returns seconds of wall time
 */
export async function estimateSeconds(
  trainer: Trainer,
  { training }: RunManifest,
  peerSteps: number,
  threads: number
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
  return (OVERHEAD * secondsPerStep * peerSteps) / threads
}
