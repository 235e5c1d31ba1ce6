import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../aggregation/random.ts'
import { llamaConfigJson, type ModelConfig } from '../../node/model/model-config.ts'
import { writeSafetensors } from '../../node/model/safetensors.ts'
import { initialWeights } from '../../node/model/trained-model.ts'
import { adapterConfigJson } from '../../node/peft/adapter-config.ts'
import type { LoraSettings } from '../../node/peft/adapter-settings.ts'
import { loraAdapter } from '../../node/peft/lora.ts'
import { saveAdapter } from '../../node/peft/peft-files.ts'
import { embeddedModelDir } from '../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'

/** A model that says nothing sensible, with the embedded model's tokenizer. */
export const folderConfig: ModelConfig = {
  family: 'llama',
  hiddenSize: 16,
  layerCount: 1,
  headCount: 2,
  keyValueHeadCount: 1,
  headSize: 8,
  intermediateSize: 24,
  vocabularySize: 1024,
  activation: 'silu',
  rotary: { theta: 10_000, scaling: { kind: 'none' } },
  normEpsilon: 1e-5,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  headNorm: false,
  windows: [null],
  maxPositions: 64,
  tiedEmbeddings: true,
  initializerRange: 0.4
}

/** Writes a whole model folder in Hugging Face layout. */
export function writeModelFolder(folder: string, config: ModelConfig = folderConfig, seed = 1): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), llamaConfigJson(config))
  writeFileSync(
    join(folder, 'model.safetensors'),
    writeSafetensors(initialWeights(config, seededRandom(seed)))
  )
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(embeddedModelDir(), name), join(folder, name))
  }
}

/** Writes an adapter of a model, with B far from zero, so that it changes what the model says. */
export async function writeAdapterFolder(
  folder: string,
  baseModel: string,
  config: ModelConfig = folderConfig
): Promise<void> {
  const settings: LoraSettings = {
    kind: 'lora',
    rank: 2,
    alpha: 8,
    rankStabilized: false,
    targetModules: ['q_proj', 'down_proj'],
    dropout: 0
  }
  const { layout, initial } = loraAdapter(config, settings)
  const random = seededRandom(3)
  const values = initial(random).map(value => value || random.nextUint32() / 2 ** 31 - 1)
  const configJson = adapterConfigJson(settings, config, baseModel)
  await saveAdapter(nodeFiles(folder), '', { kind: 'lora', configJson, layout, values })
}
