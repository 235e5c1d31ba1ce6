import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'chai'
import type { Backend, BackendName } from '../../../node/backend/backend.ts'
import { type WasmMemory, webAssembly } from '../../../node/backend/wasm/web-assembly.ts'
import type { ModelConfig } from '../../../node/model/model-config.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { openBackend } from '../../../node/platform/open-backend.ts'
import { AdamW, adamWDefaults } from '../../../node/train/optimizer.ts'
import { openTiny, randomTokens, tinyAdapters, tinyConfig } from '../../support/tiny-model.ts'

interface Size {
  readonly config: ModelConfig
  readonly batch: number
  /** Lengths that take turns, so that what is freed is never what is asked for next. */
  readonly times: readonly number[]
}

/** Plain JavaScript is slow. Elsewhere a step holds some hundred kilobytes: one that is not let go of shows. */
function sizeFor(name: BackendName): Size {
  return name === 'cpu'
    ? { config: { ...tinyConfig, layerCount: 1 }, batch: 1, times: [4, 2, 6, 3] }
    : { config: { ...tinyConfig, intermediateSize: 128 }, batch: 4, times: [16, 9, 24, 13, 31, 4] }
}

export interface Training {
  readonly backend: Backend
  /** Goes on for so many steps, in which everything that a training does is done. */
  run(steps: number): Promise<void>
  close(): Promise<void>
}

export async function openTraining(name: BackendName, kind: string): Promise<Training> {
  const { backend } = await openBackend({ name, threads: 1 })
  const size = sizeFor(name)
  const model = await openTiny(backend, tinyAdapters[kind]!, size.config)
  const values = new Float32Array(model.layout.length).fill(0.01)
  const gradient = new Float32Array(values.length)
  const optimizer = new AdamW(values.length, adamWDefaults)
  let step = 0
  return {
    backend,
    async run(steps) {
      for (const end = step + steps; step < end; step++)
        await trainStep(model, size, values, gradient, optimizer, step)
    },
    close: () => backend.close()
  }
}

async function trainStep(
  model: AdaptedModel,
  { batch, times }: Size,
  values: Float32Array,
  gradient: Float32Array,
  optimizer: AdamW,
  step: number
): Promise<void> {
  const time = times[step % times.length]!
  const tokens = { ids: randomTokens(batch * time, 16, step), batch, time }
  const mode = step % 2 === 0 ? 'record' : 'checkpoint'
  const options = { mode, dropoutSeed: `${step}` } as const
  await model.lossAndGradient(tokens, tokens.ids, values, ['A', 'B'], gradient, options)
  optimizer.step(values, gradient, 0.001)
  if (step % 10 !== 0) return
  await model.nats(tokens, tokens.ids, values)
  const cache = model.cache()
  for (let i = 0; i < 3; i++) await model.nextLogits(tokens.ids.slice(i, i + 1), cache, values)
  cache.dispose()
}

/**
 * Trains and holds what is held afterwards against what was held after a while.
 * @param steps - in all
 */
export function describeLeaks(name: BackendName, kinds: readonly string[], steps: number): void {
  for (const kind of kinds) {
    it(`${steps} steps of ${kind} on ${name} leave no tensor and no byte, nor does memory grow`, async () => {
      const memories: WasmMemory[] = []
      const training = await watchingMemories(memories, () => openTraining(name, kind))
      const held = () => ({
        ...training.backend.memory(),
        linearBytes: memories.map(({ buffer }) => buffer.byteLength),
        tfjsTensors: name === 'cpu' ? tf.memory().numTensors : 0
      })
      // Rotations of each length are made once, and pools have grown to their size.
      const warmUp = 20
      await training.run(warmUp)
      const before = held()
      expect(before.linearBytes).to.have.length(name === 'wasm' ? 1 : 0)
      await training.run(steps - warmUp)
      expect(held()).to.deep.equal(before)
      await training.close()
    })
  }
}

/** Takes note of the memories of WebAssembly that are made while `open` runs. */
async function watchingMemories<R>(memories: WasmMemory[], open: () => Promise<R>): Promise<R> {
  const api = webAssembly!
  const { Memory } = api
  api.Memory = class extends Memory {
    constructor(pages: ConstructorParameters<typeof Memory>[0]) {
      super(pages)
      memories.push(this)
    }
  }
  try {
    return await open()
  } finally {
    api.Memory = Memory
  }
}
