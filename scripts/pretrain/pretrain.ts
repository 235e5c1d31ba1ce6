// Trains the embedded base model (`npm run pretrain`). A run that was stopped goes on from its last checkpoint.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../aggregation/random.ts'
import { llamaConfigJson, type ModelConfig } from '../../node/model/model-config.ts'
import { saveWeights } from '../../node/model/safetensors/save-weights.ts'
import { readSafetensors, writeSafetensors } from '../../node/model/safetensors.ts'
import { initialWeights, TrainedModel } from '../../node/model/trained-model.ts'
import { memoryWeights } from '../../node/model/weight-source.ts'
import { embeddedModelDir } from '../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'
import { openBackend } from '../../node/platform/open-backend.ts'
import { randomWindows, type TrainingBatch } from '../../node/train/batches.ts'
import { AdamW, clipGradient } from '../../node/train/optimizer.ts'
import { learningRateAt } from '../../node/train/schedule.ts'
import { pretrainingCorpus } from './corpus.ts'

const layerCount = 4

const config: ModelConfig = {
  family: 'llama',
  hiddenSize: 96,
  layerCount,
  headCount: 4,
  keyValueHeadCount: 2,
  headSize: 24,
  intermediateSize: 224,
  vocabularySize: 1024,
  activation: 'silu',
  rotary: { theta: 10_000, scaling: { kind: 'none' } },
  normEpsilon: 1e-5,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  headNorm: false,
  windows: Array<null>(layerCount).fill(null),
  maxPositions: 256,
  tiedEmbeddings: true,
  beginTokenId: 0,
  endTokenId: 0,
  initializerRange: 0.02
}

const settings = {
  seed: 20_240_602,
  steps: 4000,
  batch: 16,
  time: 128,
  /** Share of windows from WordNet; the others are from Moby Dick. */
  wordnetShare: 0.75,
  peakLearningRate: 3e-3,
  warmupSteps: 100,
  learningRateFloor: 0.05,
  beta1: 0.9,
  beta2: 0.95,
  weightDecay: 0.05,
  gradientClipNorm: 1,
  /** Share of each text's end that is only validated on. */
  heldBackShare: 0.02,
  validationWindows: 64
}

const progressEveryMs = 60_000
const checkpointEveryMs = 300_000
/** A checkpoint of other settings is not taken up, as it would give other weights than a run from the start. */
const checkpointPath = `checkpoint-${checkpointTag()}.safetensors`
const cacheDir = fileURLToPath(new URL('../../node_modules/.cache/fedpeft-pretrain', import.meta.url))

interface Texts {
  readonly wordnet: Int32Array
  readonly mobyDick: Int32Array
}

function checkpointTag(): string {
  const random = seededRandom(new TextEncoder().encode(JSON.stringify([config, settings])))
  return random.nextUint32().toString(16).padStart(8, '0')
}

function trainingBatch(texts: Texts, step: number): TrainingBatch {
  // Seeded by the step, so that a resumed run draws what an unbroken one would have drawn.
  const random = seededRandom(settings.seed + 1 + step)
  const pick = () => (random.nextUint32() < settings.wordnetShare * 2 ** 32 ? texts.wordnet : texts.mobyDick)
  return randomWindows(pick, settings.batch, settings.time, random)
}

/** Mean nats per token over fixed windows of one text. */
async function validate(model: TrainedModel, text: Int32Array): Promise<number> {
  const random = seededRandom(settings.seed)
  const { batch, time, validationWindows } = settings
  let nats = 0
  for (let done = 0; done < validationWindows; done += batch) {
    const { tokens, targets } = randomWindows(() => text, batch, time, random)
    nats += await model.nats(tokens, targets)
  }
  return nats / (validationWindows * time)
}

function splitText(text: Int32Array): { train: Int32Array; heldBack: Int32Array } {
  const end = Math.floor(text.length * (1 - settings.heldBackShare))
  return { train: text.subarray(0, end), heldBack: text.subarray(end) }
}

const cache = nodeFiles(cacheDir)

async function saveCheckpoint(model: TrainedModel, optimizer: AdamW): Promise<void> {
  const vector = (data: Float32Array) => ({ shape: [data.length], data })
  const tensors = new Map([
    ['parameters', vector(model.parameters)],
    ['mean', vector(optimizer.mean)],
    ['square', vector(optimizer.square)],
    ['steps', vector(Float32Array.of(optimizer.steps))]
  ])
  await cache.write(checkpointPath, writeSafetensors(tensors))
}

async function loadCheckpoint(model: TrainedModel, optimizer: AdamW): Promise<void> {
  const bytes = await cache.read(checkpointPath)
  if (bytes === null) return
  const tensors = readSafetensors(bytes, checkpointPath)
  model.parameters.set(tensors.get('parameters')!.data)
  optimizer.mean.set(tensors.get('mean')!.data)
  optimizer.square.set(tensors.get('square')!.data)
  optimizer.steps = tensors.get('steps')!.data[0]!
  console.log(`going on from step ${optimizer.steps} of ${join(cacheDir, checkpointPath)}`)
}

async function pretrain(): Promise<void> {
  const { backend } = await openBackend({ name: 'auto' })
  const corpus = await pretrainingCorpus()
  const wordnet = splitText(corpus.wordnet)
  const mobyDick = splitText(corpus.mobyDick)
  const texts: Texts = { wordnet: wordnet.train, mobyDick: mobyDick.train }
  const model = await TrainedModel.load(
    backend,
    config,
    memoryWeights(initialWeights(config, seededRandom(settings.seed)))
  )
  const optimizer = new AdamW(model.parameters.length, {
    beta1: settings.beta1,
    beta2: settings.beta2,
    epsilon: 1e-8,
    weightDecay: settings.weightDecay,
    decayedLength: model.matrixLength
  })
  await loadCheckpoint(model, optimizer)
  console.log(
    `${model.parameters.length} parameters, backend ${backend.name}, ${settings.steps} steps of ` +
      `${settings.batch} x ${settings.time} tokens = ${settings.steps * settings.batch * settings.time} tokens`
  )
  const report = async (words: string) => {
    const heldBack = [await validate(model, wordnet.heldBack), await validate(model, mobyDick.heldBack)]
    console.log(
      `${words} held-back nats per token: WordNet ${heldBack[0]!.toFixed(4)}, Moby Dick ${heldBack[1]!.toFixed(4)}`
    )
  }
  await trainSteps(model, optimizer, texts, report)
  await report('done.')
  const files = nodeFiles(embeddedModelDir())
  await files.write('config.json', new TextEncoder().encode(llamaConfigJson(config)))
  await saveWeights(files, memoryWeights(model.weights()))
  console.log(`wrote ${join(embeddedModelDir(), 'model.safetensors')}`)
}

async function trainSteps(
  model: TrainedModel,
  optimizer: AdamW,
  texts: Texts,
  report: (words: string) => Promise<void>
): Promise<void> {
  const gradient = new Float32Array(model.parameters.length)
  const schedule = {
    peak: settings.peakLearningRate,
    warmupSteps: settings.warmupSteps,
    shape: 'cosine' as const,
    totalSteps: settings.steps,
    floor: settings.learningRateFloor
  }
  let reportedMs = performance.now()
  let savedMs = reportedMs
  let reportedStep = optimizer.steps
  let smoothed = Number.NaN
  while (optimizer.steps < settings.steps) {
    const step = optimizer.steps
    const { tokens, targets } = trainingBatch(texts, step)
    const loss = await model.lossAndGradient(tokens, targets, gradient)
    smoothed = Number.isNaN(smoothed) ? loss : 0.95 * smoothed + 0.05 * loss
    clipGradient(gradient, settings.gradientClipNorm)
    optimizer.step(model.parameters, gradient, learningRateAt(schedule, step))
    const nowMs = performance.now()
    if (nowMs - reportedMs >= progressEveryMs) {
      const perStepMs = (nowMs - reportedMs) / (optimizer.steps - reportedStep)
      const leftMinutes = ((settings.steps - optimizer.steps) * perStepMs) / 60_000
      await report(
        `${new Date().toISOString()} step ${optimizer.steps}/${settings.steps} loss ${smoothed.toFixed(4)} ` +
          `${perStepMs.toFixed(0)} ms per step, ${leftMinutes.toFixed(0)} minutes left;`
      )
      reportedMs = performance.now()
      reportedStep = optimizer.steps
    }
    if (nowMs - savedMs >= checkpointEveryMs) {
      await saveCheckpoint(model, optimizer)
      savedMs = nowMs
    }
  }
  await saveCheckpoint(model, optimizer)
}

await pretrain()
