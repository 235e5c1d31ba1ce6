// Measures a LoRA training step of the embedded model's shape on this machine: `node scripts/bench-train.ts`.
import { spansOf } from '../aggregation/adapter-layout.ts'
import { seededRandom } from '../aggregation/random.ts'
import { openBackend } from '../node/backend/stock-backend.ts'
import { FrozenModel } from '../node/model/frozen-model.ts'
import { type LlamaConfig, parseModelConfig } from '../node/model/model-config.ts'
import { initialWeights } from '../node/model/trained-weights.ts'
import { AdaptedModel } from '../node/peft/adapted-model.ts'
import { initialLora } from '../node/peft/lora.ts'
import { embeddedModelDir } from '../node/platform/embedded-model.ts'
import { nodeFiles } from '../node/platform/node-files.ts'
import { wasmFolder } from '../node/platform/wasm-folder.ts'
import { trainAdapter } from '../node/train/loop.ts'

const batchSize = 4
const sequenceLength = 96
const rank = 8
const steps = 60

/**
 * Floating-point operations of one step that no implementation can avoid: forward, backward to every input, and the
 * factors' own gradients. Counted as multiply and add.
 */
function stepFlops(config: LlamaConfig, adapterLength: number, trainedLength: number): number {
  const { hiddenSize, headCount, keyValueHeadCount, headSize, intermediateSize, vocabularySize } = config
  const attention = 2 * headCount * headSize * sequenceLength
  const linear =
    hiddenSize * headSize * (2 * headCount + 2 * keyValueHeadCount) + 3 * hiddenSize * intermediateSize
  const layers = config.layerCount * (2 * linear + 3 * attention)
  const perToken = layers + 2 * vocabularySize * hiddenSize + 2 * adapterLength + trainedLength
  return 2 * perToken * batchSize * sequenceLength
}

const backend = await openBackend(wasmFolder())
const json = await nodeFiles(embeddedModelDir()).read('config.json')
const config = parseModelConfig(new TextDecoder().decode(json!))
const base = new FrozenModel(config, initialWeights(config, seededRandom(1)))
const model = new AdaptedModel(base, { rank, alpha: rank, targetModules: 'all-linear' })
const random = seededRandom(2)
const text = Int32Array.from({ length: 4000 }, () => random.nextUint32() % config.vocabularySize)
console.log(
  `backend ${backend.name}, ${batchSize} x ${sequenceLength} tokens, rank ${rank} on all linear layers`
)
for (const factors of [['A', 'B'], ['B'], ['A']] as const) {
  const job = {
    adapter: initialLora(model.layout, seededRandom(3)),
    factors,
    steps,
    batchSize,
    sequenceLength,
    learningRate: 3e-3,
    weightDecay: 0,
    gradientClipNorm: 1,
    seed: 4
  }
  // The first steps are slower while the engine still compiles.
  trainAdapter(model, { ids: text }, { ...job, steps: 20 }, { onStep() {}, isAborted: () => false })
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  trainAdapter(model, { ids: text }, job, { onStep() {}, isAborted: () => false })
  const cpu = process.cpuUsage(startedCpu)
  const wallMs = (performance.now() - startedMs) / steps
  const cpuMs = (cpu.user + cpu.system) / 1000 / steps
  const trainedLength = spansOf(model.layout, factors).reduce((sum, span) => sum + span.length, 0)
  const gflops = stepFlops(config, model.layout.length, trainedLength) / 1e6 / cpuMs
  console.log(
    `train ${factors.join(' and ').padEnd(7)}: ${wallMs.toFixed(1)} ms per step, ${cpuMs.toFixed(1)} ms of CPU, ` +
      `${((batchSize * sequenceLength * 1000) / wallMs).toFixed(0)} tokens per second, ${gflops.toFixed(1)} GFLOP per CPU second`
  )
}
