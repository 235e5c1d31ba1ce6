import { expect } from 'chai'
import fc from 'fast-check'
import { layoutText } from '../../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import type { ModelConfig } from '../../../node/model/model-config.ts'
import { linearModules } from '../../../node/model/tensors.ts'
import { adapterConfigJson } from '../../../node/peft/adapter-config.ts'
import { adapterOf } from '../../../node/peft/adapter-of.ts'
import {
  type AdapterSettings,
  bottleneckDefaults,
  prefixDefaults
} from '../../../node/peft/adapter-settings.ts'
import { PeftError } from '../../../node/peft/errors.ts'
import { loadAdapter, readAdapterConfig, saveAdapter } from '../../../node/peft/peft-files.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, randomTokens, tinyAdapters, tinyConfig, tinyFamilies } from '../../support/tiny-model.ts'

function settingsFor(config: ModelConfig): fc.Arbitrary<AdapterSettings> {
  const names = linearModules(config).map(({ name }) => name)
  const targets = [...names, 'layers.1.mlp.up_proj'].filter(
    name => config.family !== 'gpt2' || !/^layers/.test(name)
  )
  const activation = fc.constantFrom('silu', 'gelu', 'gelu-tanh', 'relu' as const)
  return fc.oneof(
    fc.record({
      kind: fc.constant('lora' as const),
      rank: fc.integer({ min: 1, max: 6 }),
      alpha: fc.integer({ min: 1, max: 64 }),
      rankStabilized: fc.boolean(),
      targetModules: fc.uniqueArray(fc.constantFrom(...targets), { minLength: 1 }).map(list => list.sort()),
      dropout: fc.constantFrom(0, 0.1)
    }),
    fc.record({
      kind: fc.constant('bottleneck' as const),
      placement: fc.constantFrom('houlsby', 'pfeiffer' as const),
      reductionFactor: fc.constantFrom(1, 2.5, 4, 8),
      activation
    }),
    fc.record({ kind: fc.constant('prefix' as const), virtualTokens: fc.integer({ min: 1, max: 9 }) })
  ) as fc.Arbitrary<AdapterSettings>
}

const configAndSettings = fc
  .constantFrom(...Object.values(tinyFamilies))
  .chain(config => settingsFor(config).map(settings => ({ config, settings })))

/** A module of one layer is among those of all layers. */
function withoutDoubles(targets: readonly string[] | 'all-linear'): readonly string[] {
  if (targets === 'all-linear') return [targets]
  return targets.filter(name => name !== 'layers.1.mlp.up_proj' || !targets.includes('mlp.up_proj'))
}

/** What decides which tensors there are: how they are scaled, dropped or bent does not. */
function shapeOf(settings: AdapterSettings): unknown[] {
  switch (settings.kind) {
    case 'lora':
      return ['lora', settings.rank, ...withoutDoubles(settings.targetModules)]
    case 'bottleneck':
      return ['bottleneck', settings.placement, Math.floor(tinyConfig.hiddenSize / settings.reductionFactor)]
    case 'prefix':
      return ['prefix', settings.virtualTokens]
  }
}

describe('adapters of every kind', () => {
  const backend = useBackend()

  it('lie without gaps in one vector, which their files give back, tensor by tensor and setting by setting', async () => {
    await fc.assert(
      fc.asyncProperty(configAndSettings, fc.integer(), async ({ config, settings }, seed) => {
        const { layout } = adapterOf(config, settings)
        const random = seededRandom(seed)
        const values = Float32Array.from({ length: layout.length }, () => random.nextUint32() / 2 ** 31 - 1)
        const files = memoryFiles()
        const configJson = adapterConfigJson(settings, config, 'base')
        await saveAdapter(files, 'a', { kind: settings.kind, configJson, layout, values })
        const read = await readAdapterConfig(files, 'a')
        expect(read).to.deep.equal({ settings, baseModel: 'base', adapterName: 'fedpeft' })
        expect(await loadAdapter(files, 'a', read, adapterOf(config, read.settings))).to.deep.equal(values)
        let end = 0
        for (const { offset, length, shape } of layout.tensors) {
          expect(offset).to.equal(end)
          expect(shape.reduce((product, size) => product * size, 1)).to.equal(length)
          end += length
        }
        expect(layout.length).to.equal(end)
        expect(new Set(layout.tensors.map(({ name }) => name)).size).to.equal(layout.tensors.length)
      })
    )
  })

  it('have one layout text if and only if kind, size and places are the same', () => {
    const pairs = fc.tuple(settingsFor(tinyConfig), settingsFor(tinyConfig))
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const textOf = (settings: AdapterSettings) => layoutText(adapterOf(tinyConfig, settings).layout)
        const isSame = JSON.stringify(shapeOf(a)) === JSON.stringify(shapeOf(b))
        expect(textOf(a) === textOf(b)).to.equal(isSame)
      }),
      { numRuns: 300 }
    )
  })

  const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }
  for (const [kind, settings] of Object.entries(tinyAdapters)) {
    it(`start from the same bytes for the same seed, and only then: ${kind}`, () => {
      const { initial } = adapterOf(tinyConfig, settings)
      expect(initial(seededRandom(9))).to.deep.equal(initial(seededRandom(9)))
      expect(initial(seededRandom(9))).not.to.deep.equal(initial(seededRandom(10)))
    })

    it(`train from where they start: some gradient of each tensor that is not multiplied by a zero one: ${kind}`, async () => {
      const model = await openTiny(backend(), settings)
      const adapter = model.adapter.initial(seededRandom(1))
      const isBase = kind !== 'prefix'
      const [adapted, plain] = [await model.logits(tokens, adapter), await model.logits(tokens, null)]
      if (isBase) expect(adapted).to.deep.equal(plain)
      else expect(adapted).not.to.deep.equal(plain)
      const gradient = new Float32Array(adapter.length)
      await model.lossAndGradient(tokens, tokens.ids, adapter, ['A', 'B'], gradient)
      for (const { name, factor, offset, length } of model.layout.tensors) {
        const isZero = gradient.subarray(offset, offset + length).every(value => value === 0)
        expect(isZero, name).to.equal(isBase && factor === 'A')
      }
      model.base.dispose()
    })
  }

  it('have not changed how bottlenecks and prefixes start: peers of different versions must start from the same bytes', () => {
    const start = (settings: AdapterSettings) =>
      Array.from(adapterOf(tinyConfig, settings).initial(seededRandom(20240601)).subarray(0, 3))
    expect(start({ ...bottleneckDefaults, reductionFactor: 2 })).to.deep.equal([
      0.02166322059929371, 0.004964201245456934, 0.002101816236972809
    ])
    expect(start(prefixDefaults)).to.deep.equal([
      1.0831609964370728, 0.24821005761623383, 0.10509081184864044
    ])
  })

  it('are refused where they leave nothing to train or nothing to read, naming the setting', () => {
    const refusals: Array<[settings: AdapterSettings, problem: RegExp]> = [
      [{ ...bottleneckDefaults, reductionFactor: 9 }, /reductionFactor 9 .*width 8.*at most 8/],
      [
        { kind: 'prefix', virtualTokens: 32 },
        /virtualTokens 32 leaves no room .*32 positions: choose 1 to 31/
      ],
      [{ kind: 'prefix', virtualTokens: 0 }, /choose 1 to 31/]
    ]
    for (const [settings, problem] of refusals) {
      expect(() => adapterOf(tinyConfig, settings))
        .to.throw(PeftError, problem)
        .with.property('code', 'BAD_SETTING')
    }
  })
})
