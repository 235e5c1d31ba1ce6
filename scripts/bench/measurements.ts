import { fileURLToPath } from 'node:url'
import { runForJson } from './child.ts'
import { type ShapeName, shapes, stepFlops } from './shapes.ts'

export interface StepMeasurement {
  readonly tokensPerSecond: number
  readonly gflopPerCpuSecond: number
  readonly peakMemoryBytes: number
}

const program = fileURLToPath(new URL('measure-step.ts', import.meta.url))
const pytorchProgram = fileURLToPath(new URL('pytorch-peft.py', import.meta.url))

/** @param isSlow - one step to warm up and one that is timed will do */
export function measureStep(
  backend: string,
  shape: ShapeName,
  threads: number,
  seconds: number,
  isSlow: boolean
): Promise<StepMeasurement> {
  const steps = isSlow ? ['--warm-up', '1', '--steps-min', '1'] : []
  const args = ['--backend', backend, '--shape', shape, '--threads', `${threads}`, '--seconds', `${seconds}`]
  return runForJson(process.execPath, [program, ...args, ...steps])
}

/** @throws Error where Python lacks torch, transformers or peft */
export async function measurePytorch(
  python: string,
  name: ShapeName,
  threads: number,
  seconds: number
): Promise<StepMeasurement> {
  const shape = shapes[name]
  const { config, adapter, batchSize, sequenceLength } = shape
  const { hiddenSize, layerCount, headCount, keyValueHeadCount, headSize } = config
  const flags = {
    hidden: hiddenSize,
    layers: layerCount,
    heads: headCount,
    'key-value-heads': keyValueHeadCount,
    'head-size': headSize,
    intermediate: config.intermediateSize,
    vocabulary: config.vocabularySize,
    batch: batchSize,
    tokens: sequenceLength,
    rank: adapter.rank,
    alpha: adapter.alpha,
    threads,
    seconds
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
  const measured = await runForJson<{
    tokensPerSecond: number
    cpuSecondsPerStep: number
    peakMemoryBytes: number
  }>(python, [pytorchProgram, ...args])
  const { tokensPerSecond, cpuSecondsPerStep, peakMemoryBytes } = measured
  return {
    tokensPerSecond,
    gflopPerCpuSecond: stepFlops(shape) / 1e9 / cpuSecondsPerStep,
    peakMemoryBytes
  }
}
