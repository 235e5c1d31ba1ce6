import { expect } from 'chai'
import type { Backend } from '../../../node/backend/backend.ts'
import type { ModelConfig } from '../../../node/model/model-config.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { openBackend } from '../../../node/platform/open-backend.ts'
import { testBackends, useBackend } from '../../support/test-backends.ts'
import {
  openTiny,
  randomTokens,
  randomValues,
  tinyAdapters,
  tinyConfig,
  tinyFamilies,
  tinyLora
} from '../../support/tiny-model.ts'

const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }
const targets = randomTokens(12, 16, 16)

async function gradientOf(model: AdaptedModel, mode: 'record' | 'checkpoint') {
  const adapter = randomValues(model.layout.length, 17).map(value => value * 0.4)
  const gradient = new Float32Array(adapter.length)
  const loss = await model.lossAndGradient(tokens, targets, adapter, ['A', 'B'], gradient, { mode })
  return { loss, gradient }
}

describe('memory of a training step', () => {
  const backend = useBackend()

  for (const [family, config] of Object.entries(tinyFamilies)) {
    for (const [kind, settings] of Object.entries(tinyAdapters)) {
      it(`by checkpointing has the bits of recording, and leaves the weights alone: ${kind} on ${family}`, async () => {
        const model = await openTiny(backend(), settings, config)
        const weights = backend().memory().tensors
        const recorded = await gradientOf(model, 'record')
        const { tensors, bytes } = backend().memory()
        // Rotations of this length are kept: cosines and sines.
        expect(tensors).to.equal(config.rotary === null ? weights : weights + 2)
        for (let step = 0; step < 3; step++) {
          expect(await gradientOf(model, 'checkpoint')).to.deep.equal(recorded)
          expect(backend().memory()).to.include({ tensors, bytes })
        }
        model.base.dispose()
        expect(backend().memory()).to.include({ tensors: 0, bytes: 0 })
      })
    }
  }

  /** Bytes that `run` needs at the most beyond the weights, on a backend of its own. */
  async function peakBytes(
    layerCount: number,
    run: (model: AdaptedModel) => Promise<unknown>
  ): Promise<number> {
    const config: ModelConfig = {
      ...tinyConfig,
      layerCount,
      windows: Array<null>(layerCount).fill(null),
      intermediateSize: 64
    }
    const { backend }: { backend: Backend } = await openBackend({ name: testBackends[0]!, threads: 1 })
    const model = await openTiny(backend, { ...tinyLora, targetModules: ['v_proj'] }, config)
    const { bytes } = backend.memory()
    await run(model)
    const { peakBytes } = backend.memory()
    await backend.close()
    return peakBytes - bytes
  }

  const long = { ids: randomTokens(128, 16, 1), batch: 4, time: 32 }
  const train = (mode: 'record' | 'checkpoint') => (model: AdaptedModel) => {
    const adapter = new Float32Array(model.layout.length)
    return model.lossAndGradient(long, long.ids, adapter, ['A', 'B'], adapter.slice(), { mode })
  }

  it('grows by a layer with all its activations when recording, by what enters it when checkpointing', async () => {
    const growth = async (run: (model: AdaptedModel) => Promise<unknown>) =>
      ((await peakBytes(10, run)) - (await peakBytes(2, run))) / 8
    // What enters a layer is [128, 8]; activations are at least its three of [128, 64] besides.
    const entering = 4 * 128 * 8
    const adapter = 4 * 2 * (8 + 8) * 2
    expect(await growth(train('checkpoint'))).to.be.within(entering, 1.1 * (entering + adapter))
    expect(await growth(train('record'))).to.be.above(3 * 4 * 128 * 64)
  })

  it('does not grow with the layers when nothing is trained', async () => {
    const measure = (model: AdaptedModel) => model.nats(long, long.ids, null)
    expect(await peakBytes(10, measure)).to.equal(await peakBytes(2, measure))
  })
})
