import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import type { BackendName } from '../../../node/backend/backend.ts'
import type { ModelConfig } from '../../../node/model/model-config.ts'
import {
  type AdapterSettings,
  bottleneckDefaults,
  loraDefaults,
  prefixDefaults
} from '../../../node/peft/adapter-settings.ts'
import { openBackend } from '../../../node/platform/open-backend.ts'
import { MemoryEstimate } from '../../../node/train/memory-estimate.ts'
import { testBackends } from '../../support/test-backends.ts'
import { openTiny, tinyConfig } from '../../support/tiny-model.ts'

const llama: ModelConfig = {
  ...tinyConfig,
  hiddenSize: 32,
  headSize: 8,
  intermediateSize: 80,
  vocabularySize: 128,
  layerCount: 3,
  windows: [null, null, null],
  maxPositions: 256
}
const gpt2: ModelConfig = {
  ...llama,
  family: 'gpt2',
  keyValueHeadCount: 4,
  activation: 'gelu-tanh',
  rotary: null,
  attentionBias: true,
  outputBias: true,
  mlpBias: true
}

const cases: ReadonlyArray<readonly [string, ModelConfig, AdapterSettings]> = [
  ['llama, lora', llama, loraDefaults],
  ['llama, lora on two modules', llama, { ...loraDefaults, targetModules: ['q_proj', 'v_proj'] }],
  ['llama, lora with dropout', llama, { ...loraDefaults, dropout: 0.1 }],
  ['llama, prefix', llama, prefixDefaults],
  ['llama, bottleneck', llama, { ...bottleneckDefaults, placement: 'houlsby' }],
  ['qwen3, lora', { ...llama, headNorm: true }, loraDefaults],
  ['a large vocabulary', { ...llama, vocabularySize: 6000 }, loraDefaults],
  ['gpt2, lora', gpt2, loraDefaults]
]

const shapes: ReadonlyArray<readonly [batch: number, time: number]> = [
  [1, 24],
  [3, 40],
  [1, 120]
]

describe('the memory that training takes, estimated from shapes alone', () => {
  for (const [i, name] of testBackends.entries()) {
    // The others have their kernels in common, and the slowest is among them.
    for (const [of, config, settings] of i === 0 ? cases : [cases[0]!, cases.at(-1)!]) {
      it(`is what ${name} says that it took, within 15 in a hundred: ${of}`, async () => {
        const estimate = new MemoryEstimate(config, settings, name)
        for (const mode of ['record', 'checkpoint'] as const) {
          for (const [batch, time] of i === 0 ? shapes : shapes.slice(0, 1)) {
            const peakBytes = await measured(name, config, settings, mode, batch, time)
            const estimated = await estimate.stepBytes({ microBatchSize: batch, mode }, time)
            const words = `${mode}, ${batch} x ${time}: ${estimated} estimated, ${peakBytes} taken`
            expect(estimated / peakBytes, words).to.be.within(0.85, 1.15)
            const [besides, took] = [estimated - estimate.weightsBytes, peakBytes - estimate.weightsBytes]
            expect(besides / took, `${words}, ${estimate.weightsBytes} of them weights`).to.be.within(
              0.85,
              1.15
            )
          }
        }
      })
    }
  }

  it('is that of the weights before anything is computed', async () => {
    for (const name of testBackends) {
      const { backend } = await openBackend({ name, threads: 1 })
      await openTiny(backend, loraDefaults, gpt2)
      const estimate = new MemoryEstimate(gpt2, loraDefaults, name)
      expect(backend.memory().bytes).to.equal(estimate.weightsBytes)
      await backend.close()
    }
  })
})

/** The peak of one step on a backend of its own. */
async function measured(
  name: BackendName,
  config: ModelConfig,
  settings: AdapterSettings,
  mode: 'record' | 'checkpoint',
  batch: number,
  time: number
): Promise<number> {
  const { backend } = await openBackend({ name, threads: 1 })
  const model = await openTiny(backend, settings, config)
  const ids = Int32Array.from({ length: batch * time }, (_, i) => (i * 7) % config.vocabularySize)
  const adapter = model.adapter.initial(seededRandom(1))
  const gradient = new Float32Array(adapter.length)
  await model.lossAndGradient({ ids, batch, time }, ids, adapter, ['A', 'B'], gradient, {
    mode,
    dropoutSeed: 'a seed'
  })
  const { peakBytes } = backend.memory()
  await backend.close()
  return peakBytes
}
