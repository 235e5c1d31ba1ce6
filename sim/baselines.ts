/** What the federated adapter is compared with: the base alone, each client by itself, and everyone's data pooled. */
import type { AdapterFactor } from '../aggregation/adapter-layout.ts'
import type { Trainer, TrainJob } from '../node/train/trainer.ts'
import type { RunManifest } from '../protocols/run-manifest.ts'
import type { Scenario } from './scenario.ts'

const BOTH: readonly AdapterFactor[] = ['A', 'B']

/** Held-out bits per byte of each client, under one adapter. @param adapter - [d], or null for the base */
export function heldOutOf(trainers: readonly Trainer[], adapter: Float32Array | null): Promise<number[]> {
  return Promise.all(
    trainers.map(async trainer => (await trainer.evaluate({ adapter, split: 'heldOut' })).bitsPerByte)
  )
}

/**
 * Each client trains alone on its own text, as many steps as it takes in the run, and keeps the adapter that was best
 * on a slice of its own training text.
 * @returns held-out bits per byte of each client under its own adapter
 */
export function localOnly(
  trainers: readonly Trainer[],
  manifest: RunManifest,
  { baselines, seed }: Pick<Scenario, 'baselines' | 'seed'>,
  onStep: () => void,
  signal?: AbortSignal
): Promise<number[]> {
  const { patience, holdOutFraction } = baselines
  return Promise.all(
    trainers.map(async (trainer, client) => {
      const job: TrainJob = {
        ...jobOf(trainer, manifest, baselines.learningRate),
        steps: manifest.rounds * manifest.training.steps,
        seed: seed * 1_000 + client,
        earlyStop: { evaluateEverySteps: manifest.training.steps, patience, holdOutFraction }
      }
      const { adapter } = await trainer.train(job, onStep, signal)
      return (await trainer.evaluate({ adapter, split: 'heldOut' })).bitsPerByte
    })
  )
}

/**
 * One adapter trained on everybody's text, as if there were no privacy to keep.
 * @param pooled - opened on all clients' data
 * @returns held-out bits per byte of each client
 */
export async function pooledTogether(
  pooled: Trainer,
  trainers: readonly Trainer[],
  manifest: RunManifest,
  { baselines, seed }: Pick<Scenario, 'baselines' | 'seed'>,
  onStep: () => void,
  signal?: AbortSignal
): Promise<number[]> {
  const job: TrainJob = {
    ...jobOf(pooled, manifest, baselines.learningRate),
    steps: pooledSteps(manifest, baselines.pooledSteps),
    seed: seed * 1_000 + 999
  }
  const { adapter } = await pooled.train(job, onStep, signal)
  return heldOutOf(trainers, adapter)
}

export function pooledSteps(manifest: RunManifest, factor: number): number {
  return Math.ceil(manifest.rounds * manifest.training.steps * factor)
}

function jobOf(
  trainer: Trainer,
  { training }: RunManifest,
  learningRate: number
): Omit<TrainJob, 'steps' | 'seed'> {
  const { batchSize, sequenceLength, weightDecay, gradientClipNorm } = training
  return {
    adapter: trainer.initialAdapter(),
    factors: BOTH,
    batchSize,
    sequenceLength,
    learningRate,
    weightDecay,
    gradientClipNorm
  }
}
