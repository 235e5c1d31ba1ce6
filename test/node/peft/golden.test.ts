import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { AdapterFactor } from '../../../aggregation/adapter-layout.ts'
import type { BackendName } from '../../../node/backend/backend.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { openModelWeights } from '../../../node/model/model-files.ts'
import { parseModelConfig } from '../../../node/model/parse-config.ts'
import { readSafetensors } from '../../../node/model/safetensors.ts'
import { AdaptedModel, type GradientOptions } from '../../../node/peft/adapted-model.ts'
import { adapterOf } from '../../../node/peft/adapter.ts'
import { type AdapterConfig, adapterConfigJson } from '../../../node/peft/adapter-config.ts'
import { loadAdapter, readAdapterConfig, saveAdapter } from '../../../node/peft/peft-files.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { AdamW } from '../../../node/train/optimizer.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import {
  type GoldenAdapter,
  golden,
  goldenAdapter,
  goldenAdapters,
  goldenFamilies,
  relativeDifference
} from '../../support/golden.ts'
import { testBackends, useBackend } from '../../support/test-backends.ts'

/** Of the largest value of a tensor. */
const tolerance = 1e-4

function expectClose(what: string, got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(relativeDifference(got, expected), `relative difference of ${what}`).to.be.at.most(tolerance)
}

/** The key of a tensor in a file where a bottleneck adapter has its own name. */
function keyIn(file: AdapterConfig, key: string): string {
  return key.replace(/\.adapters\.\w+\./, `.adapters.${file.adapterName}.`)
}

const bothFactors: readonly AdapterFactor[] = ['A', 'B']

/** The loss before each step and the values after the last, as the fixture's optimizer takes them. */
async function tenSteps(
  model: AdaptedModel,
  start: Float32Array,
  { tokens, targets, losses, adamw }: GoldenAdapter,
  mode: NonNullable<GradientOptions['mode']>
): Promise<{ losses: number[]; values: Float32Array }> {
  const { lr, betas, eps, weightDecay } = adamw
  const optimizer = new AdamW(start.length, { beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay })
  const values = start.slice()
  const gradient = new Float32Array(values.length)
  const ours: number[] = []
  for (const _ of losses) {
    ours.push(await model.lossAndGradient(tokens, targets, values, bothFactors, gradient, { mode }))
    optimizer.step(values, gradient, lr)
  }
  return { losses: ours, values }
}

function describeFamily(family: string, backendName: BackendName): void {
  describe(`${family} on ${backendName}, as transformers and peft compute it`, () => {
    const backend = useBackend(backendName)
    const base = golden(family)
    const config = parseModelConfig(readFileSync(join(base.folder, 'config.json'), 'utf8'))
    let model: FrozenModel

    before(async () => {
      const weights = await openModelWeights(nodeFiles(base.folder), config, base.folder)
      model = await FrozenModel.load(backend(), config, weights)
    })

    it('the base model: logits and loss', async () => {
      const { tokens, targets, tensors, loss } = base
      const counted = targets.filter(target => target !== -1).length
      expectClose('logits', await model.logits(tokens), tensors.get('logits')!.data)
      expectClose('loss', [(await model.nats(tokens, targets)) / counted], [loss])
    })

    for (const name of goldenAdapters(family)) {
      const fixture = goldenAdapter(family, name)
      const { folder, tokens, targets, tensors } = fixture
      /** The adapter as its own library saved it. */
      const opened = async (): Promise<{
        adapted: AdaptedModel
        adapter: AdapterConfig
        values: Float32Array
      }> => {
        const adapter = await readAdapterConfig(nodeFiles(folder), '')
        const adapted = new AdaptedModel(model, adapter.settings)
        return {
          adapted,
          adapter,
          values: await loadAdapter(nodeFiles(folder), '', adapter, adapted.adapter)
        }
      }
      const expectTensors = (
        kind: 'grad' | 'after',
        got: Float32Array,
        of: AdaptedModel,
        own: AdapterConfig
      ) => {
        for (const { name, offset, length } of of.layout.tensors) {
          const key = `${kind}.${keyIn(own, name)}`
          expectClose(key, got.subarray(offset, offset + length), tensors.get(key)!.data)
        }
      }

      it(`${name}: logits`, async () => {
        const { adapted, values } = await opened()
        expectClose('logits', await adapted.logits(tokens, values), tensors.get('logits')!.data)
      })

      for (const mode of ['record', 'checkpoint'] as const) {
        it(`${name}, ${mode}: loss, gradients, ten steps of AdamW`, async () => {
          const { adapted, adapter, values } = await opened()
          const gradient = new Float32Array(values.length).fill(Number.NaN)
          const loss = await adapted.lossAndGradient(tokens, targets, values, bothFactors, gradient, { mode })
          expectClose('loss', [loss], [fixture.loss])
          expectTensors('grad', gradient, adapted, adapter)
          const trained = await tenSteps(adapted, values, fixture, mode)
          expectClose('losses', trained.losses, fixture.losses)
          expectTensors('after', trained.values, adapted, adapter)
        })
      }
    }

    it('leaves nothing but the weights behind', () => {
      model.dispose()
      expect(backend().memory().tensors).to.equal(0)
    })
  })
}

for (const backendName of testBackends) {
  for (const family of goldenFamilies) describeFamily(family, backendName)
}

describe('the fixtures of transformers, peft and adapters', () => {
  it('are those that docs/golden.md lists', () => {
    expect(goldenFamilies).to.have.length(8)
    expect(goldenFamilies.flatMap(goldenAdapters)).to.have.length(28)
  })

  for (const family of goldenFamilies) {
    it(`${family}: config.json says the same as transformers 5 and as transformers 4 save it`, () => {
      const read = (name: string) => parseModelConfig(readFileSync(join(golden(family).folder, name), 'utf8'))
      expect(read('config.json')).to.deep.equal(read('config.transformers-4.json'))
    })

    for (const name of goldenAdapters(family)) {
      it(`${family} ${name}: is the same when we saved it and read it back`, async () => {
        const { folder } = goldenAdapter(family, name)
        const config = parseModelConfig(readFileSync(join(golden(family).folder, 'config.json'), 'utf8'))
        const theirs = nodeFiles(folder)
        const adapter = await readAdapterConfig(theirs, '')
        const { layout } = adapterOf(config, adapter.settings)
        const values = await loadAdapter(theirs, '', adapter, { layout })

        const ours = memoryFiles()
        const { settings, baseModel } = adapter
        const configJson = adapterConfigJson(settings, config, baseModel)
        await saveAdapter(ours, '', { kind: settings.kind, configJson, layout, values })
        const again = await readAdapterConfig(ours, '')
        expect(again.baseModel).to.equal(`test/vectors/hf/${family}`)
        expect(adapterConfigJson(again.settings, config, baseModel)).to.equal(configJson)
        expect(adapterOf(config, again.settings).layout).to.deep.equal(layout)
        expect(await loadAdapter(ours, '', again, { layout })).to.deep.equal(values)
        const file = settings.kind === 'bottleneck' ? 'adapter.safetensors' : 'adapter_model.safetensors'
        const written = readSafetensors((await ours.read(file))!)
        for (const [key, { shape, data }] of readSafetensors((await theirs.read(file))!)) {
          const tensor = written.get(keyIn(again, key))!
          expect(tensor.shape, key).to.deep.equal(shape)
          expect(tensor.data, key).to.deep.equal(data)
        }
      })
    }
  }
})
