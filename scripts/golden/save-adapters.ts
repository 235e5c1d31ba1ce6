/**
 * Trains adapters of every kind on each base model of test/vectors/hf with our own engine and saves them as a run does,
 * each in a folder of its own with what check-adapter.py compares: our logits, and a LoRA's base with it merged in.
 *
 *     node scripts/golden/save-adapters.ts <folder> [backend]
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { argv, exit } from 'node:process'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../aggregation/random.ts'
import type { BackendName } from '../../node/backend/backend.ts'
import { FrozenModel } from '../../node/model/frozen-model.ts'
import type { ModelFamily } from '../../node/model/model-config.ts'
import { openModelWeights } from '../../node/model/model-files.ts'
import { parseModelConfig } from '../../node/model/parse-config.ts'
import { saveWeights } from '../../node/model/safetensors/save-weights.ts'
import { writeSafetensors } from '../../node/model/safetensors.ts'
import type { TokenBatch } from '../../node/model/transformer.ts'
import { AdaptedModel } from '../../node/peft/adapted-model.ts'
import { adapterConfigJson } from '../../node/peft/adapter-config.ts'
import { type AdapterSettings, loraDefaults } from '../../node/peft/adapter-settings.ts'
import { mergeLora } from '../../node/peft/merge-lora.ts'
import { saveAdapter } from '../../node/peft/peft-files.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'
import { openBackend } from '../../node/platform/open-backend.ts'
import { AdamW, adamWDefaults } from '../../node/train/optimizer.ts'

const steps = 20
const learningRate = 0.01

function adaptersFor(family: ModelFamily): Record<string, AdapterSettings> {
  // Ends of names, a module of several layers, and one of a single layer by its whole path.
  const chosen =
    family === 'gpt2'
      ? ['c_attn', 'mlp.c_proj', 'transformer.h.1.mlp.c_fc']
      : ['q_proj', 'v_proj', 'mlp.down_proj', 'model.layers.1.mlp.up_proj']
  return {
    'lora-all-linear': { ...loraDefaults, rank: 4 },
    'lora-chosen-rslora': { ...loraDefaults, rank: 3, rankStabilized: true, targetModules: chosen },
    prefix: { kind: 'prefix', virtualTokens: 4 },
    houlsby: { kind: 'bottleneck', placement: 'houlsby', reductionFactor: 5, activation: 'gelu' },
    pfeiffer: { kind: 'bottleneck', placement: 'pfeiffer', reductionFactor: 6, activation: 'relu' }
  }
}

const root = 'test/vectors/hf'
const { positionals } = parseArgs({ args: argv.slice(2), allowPositionals: true })
const [folder, backendName = 'wasm'] = positionals
if (folder === undefined) {
  console.error('usage: node scripts/golden/save-adapters.ts <folder> [backend]')
  exit(2)
}
const { backend } = await openBackend({ name: backendName as BackendName, threads: 1 })
const fixtures = nodeFiles(root)
const text = async (path: string): Promise<string> => new TextDecoder().decode((await fixtures.read(path))!)

for (const name of await fixtures.list('')) {
  if ((await fixtures.size(`${name}/config.json`)) === null) continue
  const config = parseModelConfig(await text(`${name}/config.json`))
  const weights = await openModelWeights(nodeFiles(join(root, name)), config, name)
  const base = await FrozenModel.load(backend, config, weights)
  const expected = JSON.parse(await text(`${name}/expected.json`))
  const rows: number[][] = expected.tokens
  const tokens = { ids: Int32Array.from(rows.flat()), batch: rows.length, time: rows[0]!.length }
  const targets = Int32Array.from(expected.targets.flat())

  for (const [kind, settings] of Object.entries(adaptersFor(config.family))) {
    const model = new AdaptedModel(base, settings)
    const { values, losses } = await trained(model, tokens, targets)
    const into = join(folder, name, kind)
    await mkdir(into, { recursive: true })
    const files = nodeFiles(into)
    const configJson = adapterConfigJson(settings, config, join(root, name))
    await saveAdapter(files, '', { kind: settings.kind, configJson, layout: model.layout, values })
    const shape = [tokens.batch, tokens.time]
    const outputs = new Map([
      ['logits', { shape: [...shape, config.vocabularySize], data: await model.logits(tokens, values) }],
      ['tokens', { shape, data: Float32Array.from(tokens.ids) }]
    ])
    await files.write('logits.safetensors', writeSafetensors(outputs))
    if (settings.kind === 'lora') {
      await mkdir(join(into, 'merged'), { recursive: true })
      for (const file of ['config.json', 'config.transformers-4.json'])
        await files.write(`merged/${file}`, (await fixtures.read(`${name}/${file}`))!)
      await saveWeights(nodeFiles(join(into, 'merged')), mergeLora(weights, config, settings, values))
    }
    console.log(`${into}: loss ${losses[0]!.toFixed(4)} -> ${losses.at(-1)!.toFixed(4)}`)
  }
  base.dispose()
}
await backend.close()

async function trained(
  model: AdaptedModel,
  tokens: TokenBatch,
  targets: Int32Array
): Promise<{ values: Float32Array; losses: number[] }> {
  const values = model.adapter.initial(seededRandom(7))
  const gradient = new Float32Array(values.length)
  const optimizer = new AdamW(values.length, adamWDefaults)
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    losses.push(await model.lossAndGradient(tokens, targets, values, ['A', 'B'], gradient))
    optimizer.step(values, gradient, learningRate)
  }
  return { values, losses }
}
