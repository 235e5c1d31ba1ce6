import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseModelConfig } from '../../../node/model/parse-config.ts'
import { readSafetensors } from '../../../node/model/safetensors.ts'
import { adapterConfigJson } from '../../../node/peft/adapter-config.ts'
import { adapterOf } from '../../../node/peft/adapter-of.ts'
import { loadAdapter, readAdapterConfig, saveAdapter } from '../../../node/peft/peft-files.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { golden, goldenAdapter, goldenAdapters, goldenFamilies } from '../../support/golden.ts'
import { testBackends } from '../../support/test-backends.ts'
import { describeGolden, keyIn } from './golden-suite.ts'

// Steps in plain JavaScript are in the slow suite.
for (const backendName of testBackends) describeGolden(backendName, backendName !== 'cpu')

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
