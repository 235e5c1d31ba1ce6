// Trains one shape on one backend for some seconds and prints what came of it as JSON. A process of its own for each
// measurement: its peak memory is that of this one alone, and TensorFlow takes its threads once per process.
import { parseArgs } from 'node:util'
import { seededRandom } from '../../aggregation/random.ts'
import type { Backend } from '../../node/backend/backend.ts'
import { openComposedBackend } from '../../node/backend/composed/composed-backend.ts'
import { FrozenModel } from '../../node/model/frozen-model.ts'
import { AdaptedModel } from '../../node/peft/adapted-model.ts'
import { type BackendRequest, openBackend } from '../../node/platform/open-backend.ts'
import { TrainError } from '../../node/train/errors.ts'
import { trainAdapter } from '../../node/train/loop.ts'
import { randomWeights, type ShapeName, shapes, stepFlops } from './shapes.ts'
import { wasmFolder } from './stock-wasm-folder.ts'

/** TensorFlow.js's own WebAssembly kernels, in compositions: what ours are compared with. */
async function openStockWasm(): Promise<Backend> {
  const tf = await import('@tensorflow/tfjs-core')
  const { setWasmPaths, version_wasm: version } = await import('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(wasmFolder())
  const description = `@tensorflow/tfjs-backend-wasm ${version}, composed operations`
  return openComposedBackend({ tf, tfjsBackend: 'wasm', name: 'wasm', description })
}

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'auto' },
    shape: { type: 'string', default: 'd256l6' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '5' },
    // The engine compiles, and tables are made, during the first steps.
    'warm-up': { type: 'string', default: '2' },
    'steps-min': { type: 'string', default: '2' }
  }
})
const threads = Number(values.threads)
const warmUpSteps = Number(values['warm-up'])
const stepsMin = Number(values['steps-min'])
const backend =
  values.backend === 'stock-wasm'
    ? await openStockWasm()
    : (await openBackend({ name: values.backend as BackendRequest['name'], threads })).backend
const shape = shapes[values.shape as ShapeName]
const base = await FrozenModel.load(backend, shape.config, randomWeights(shape.config))
const model = new AdaptedModel(base, shape.adapter)
const random = seededRandom(2)
const ids = Int32Array.from({ length: 4000 }, () => random.nextUint32() % shape.config.vocabularySize)

let begun = { ms: 0, cpu: process.cpuUsage() }
let ended = begun
let steps = 0
let lastLoss = Number.NaN
const now = () => ({ ms: performance.now(), cpu: process.cpuUsage() })
const job = {
  adapter: model.adapter.initial(seededRandom(3)),
  factors: ['A', 'B'] as const,
  steps: 1_000_000,
  batchSize: shape.batchSize,
  sequenceLength: shape.sequenceLength,
  learningRate: 1e-3,
  weightDecay: 0,
  gradientClipNorm: 1,
  seed: 4
}
const hooks = {
  onStep(done: number, loss: number) {
    lastLoss = loss
    if (done === warmUpSteps) begun = now()
    if (done <= warmUpSteps) return
    steps = done - warmUpSteps
    ended = now()
  },
  isAborted: () => steps >= stepsMin && ended.ms - begun.ms >= 1000 * Number(values.seconds)
}
try {
  await trainAdapter(model, { ids }, job, hooks)
} catch (error) {
  if (!(error instanceof TrainError && error.code === 'ABORTED')) throw error
}
const seconds = (ended.ms - begun.ms) / 1000
const cpuSeconds = (ended.cpu.user + ended.cpu.system - begun.cpu.user - begun.cpu.system) / 1e6
const tokens = shape.batchSize * shape.sequenceLength * steps
const result = {
  description: backend.description,
  threads: backend.threads,
  steps,
  tokensPerSecond: tokens / seconds,
  secondsPerStep: seconds / steps,
  cpuSecondsPerStep: cpuSeconds / steps,
  gflopPerCpuSecond: (stepFlops(shape) * steps) / 1e9 / cpuSeconds,
  // In kilobytes on every system.
  peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  tensorPeakBytes: backend.memory().peakBytes,
  lastLoss
}
console.log(JSON.stringify(result))
await backend.close()
