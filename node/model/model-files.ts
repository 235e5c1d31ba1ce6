/** A model folder in Hugging Face layout: config.json, model.safetensors, tokenizer.json. */
import type { Files } from '../../protocols/ports.ts'
import { ModelError } from './errors.ts'
import { type LlamaConfig, parseModelConfig } from './model-config.ts'
import { blockList, modelBlocks } from './model-weights.ts'
import { readSafetensors, type StoredTensor } from './safetensors.ts'
import { checkTokenizerFits, parseTokenizer, type Tokenizer } from './tokenizer.ts'

export interface OpenModel {
  readonly config: LlamaConfig
  /** Every weight that `config` calls for, and no other, by its Hugging Face name. */
  readonly weights: ReadonlyMap<string, StoredTensor>
  readonly tokenizer: Tokenizer
  /** What two peers compare before they train together: see `modelDigest`. 32 bytes. */
  readonly digest: Uint8Array
}

/** The files that make a model what it is, in the order of the digest. */
const modelFileNames = ['config.json', 'model.safetensors', 'tokenizer.json'] as const

type ModelFileName = (typeof modelFileNames)[number]

type ModelFiles = Readonly<Record<ModelFileName, Uint8Array>>

/**
 * Reads and checks a whole model folder.
 * @param files - rooted in the model folder
 * @param where - that folder as the user wrote it, for messages
 * @throws ModelError, every code; FilesError
 */
export async function openModel(
  files: Files,
  sha256: (bytes: Uint8Array) => Uint8Array,
  where: string
): Promise<OpenModel> {
  const content = await readModelFiles(files, where)
  const config = parseModelConfig(new TextDecoder().decode(content['config.json']), `${where}/config.json`)
  const tokenizer = parseTokenizer(content['tokenizer.json'], await files.read('tokenizer_config.json'))
  checkTokenizerFits(tokenizer, config.vocabularySize)
  const path = `${where}/model.safetensors`
  const weights = withoutRedundant(readSafetensors(content['model.safetensors'], path), config)
  checkWeights(weights, config, path)
  return { config, weights, tokenizer, digest: modelDigest(content, sha256) }
}

/**
 * SHA-256 over `name \0 SHA-256(content)` of config.json, model.safetensors and tokenizer.json, in this order. It
 * names the bytes, not the numbers: the same weights stored in another dtype are another base model.
 */
export function modelDigest(content: ModelFiles, sha256: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const encoder = new TextEncoder()
  const parts = modelFileNames.flatMap(name => [...encoder.encode(`${name}\0`), ...sha256(content[name])])
  return sha256(Uint8Array.from(parts))
}

async function readModelFiles(files: Files, where: string): Promise<ModelFiles> {
  const found = await Promise.all(modelFileNames.map(async name => [name, await files.read(name)] as const))
  const missing = found.filter(([, bytes]) => bytes === null).map(([name]) => name)
  if (missing.length > 0) throw await missingFiles(files, where, missing)
  return Object.fromEntries(found) as Record<ModelFileName, Uint8Array>
}

async function missingFiles(files: Files, where: string, missing: readonly string[]): Promise<ModelError> {
  const names = await files.list('')
  const data = { path: where, missing }
  if (missing.length === modelFileNames.length) {
    return new ModelError(
      'MISSING_FILE',
      data,
      `${where} is not a model folder: it holds none of ${modelFileNames.join(', ')}. ` +
        'Check the path, or use the word "embedded" for the toy model that comes with fedpeft.'
    )
  }
  const hint = missing.includes('model.safetensors') ? weightsHint(names) : null
  return new ModelError(
    'MISSING_FILE',
    data,
    `${where}: ${missing.join(' and ')} missing. ${hint ?? 'Download it from where the other files came from.'}`
  )
}

/** Other forms in which the weights of a model are published. */
function weightsHint(names: readonly string[]): string | null {
  if (names.includes('model.safetensors.index.json')) {
    return 'The weights are split over several files, which is not supported: choose a smaller model.'
  }
  if (names.some(name => name.endsWith('.bin') || name.endsWith('.pth') || name.endsWith('.gguf'))) {
    return 'Only safetensors weights are supported: download model.safetensors of the same model.'
  }
  return null
}

/**
 * Drops what some checkpoints carry although it follows from the rest: the rotary frequencies, and a head equal to
 * the embedding that it is tied to.
 */
function withoutRedundant(
  weights: Map<string, StoredTensor>,
  config: LlamaConfig
): Map<string, StoredTensor> {
  const kept = new Map([...weights].filter(([name]) => !name.endsWith('.rotary_emb.inv_freq')))
  const head = kept.get('lm_head.weight')
  const embedding = kept.get('model.embed_tokens.weight')
  if (!config.tiedEmbeddings || head === undefined || embedding === undefined) return kept
  const isSame =
    head.data.length === embedding.data.length && head.data.every((value, i) => value === embedding.data[i])
  if (isSame) kept.delete('lm_head.weight')
  return kept
}

function checkWeights(weights: ReadonlyMap<string, StoredTensor>, config: LlamaConfig, path: string): void {
  const advice = 'Use the config.json that was published with these weights.'
  const expectedNames = new Set<string>()
  for (const block of blockList(modelBlocks(config))) {
    block.names.forEach((name, i) => {
      expectedNames.add(name)
      const expected = [block.rows[i]!, ...block.shape.slice(1)]
      const got = weights.get(name)?.shape
      if (got !== undefined && got.length === expected.length && got.every((size, d) => size === expected[d]))
        return
      const problem =
        got === undefined
          ? `tensor ${name} is missing; config.json calls for it with shape [${expected.join(', ')}]`
          : `tensor ${name} has shape [${got.join(', ')}], but config.json calls for [${expected.join(', ')}]`
      throw new ModelError(
        'TENSOR_MISMATCH',
        { path, tensor: name, expected, got },
        `${path}: ${problem}. ${advice}`
      )
    })
  }
  for (const name of weights.keys()) {
    if (expectedNames.has(name)) continue
    throw new ModelError(
      'TENSOR_MISMATCH',
      { path, tensor: name },
      `${path}: tensor ${name} is one too many: a Llama model of this config.json has none of that name. ${advice}`
    )
  }
}
