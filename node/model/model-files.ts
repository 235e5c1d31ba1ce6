/**
 * A model folder in Hugging Face layout: config.json, tokenizer.json, and the weights as model.safetensors or as shards
 * with an index. Opening it reads headers only; the tensors are read when they are asked for, by whichever thread.
 */
import type { Files } from '../../protocols/ports.ts'
import { ModelError } from './errors.ts'
import type { ModelConfig } from './model-config.ts'
import { parseModelConfig } from './parse-config.ts'
import {
  INDEX_NAME,
  openStoredWeights,
  SINGLE_NAME,
  type StoredWeights
} from './safetensors/stored-weights.ts'
import { modelTensors, outerTensors } from './tensors.ts'
import { checkTokenizerFits, loadTokenizer, type Tokenizer } from './tokenizer.ts'
import { checkedWeights, type WantedWeights } from './wanted-weights.ts'
import type { WeightSource } from './weight-source.ts'

export interface OpenModel {
  readonly config: ModelConfig
  /** Every weight that `config` calls for, and no other, by its Hugging Face name. */
  readonly weights: WeightSource
  readonly tokenizer: Tokenizer
  /** config.json, the files that hold tensors, sorted, and tokenizer.json: what the digest covers. */
  readonly digestedFiles: readonly string[]
  /** What two peers compare before they train together. Reads every file once more: ask once. 32 bytes. */
  digest(newHash: () => ContentHash): Promise<Uint8Array>
}

/** SHA-256 of content that comes piece by piece. */
export interface ContentHash {
  update(bytes: Uint8Array): void
  /** 32 bytes; once. */
  digest(): Uint8Array
}

const CONFIG_NAME = 'config.json'
const TOKENIZER_NAME = 'tokenizer.json'

/** What is hashed at a time. */
const PIECE_BYTES = 4 * 1024 * 1024

/**
 * Opens and checks a model folder.
 * @param files - rooted in the model folder
 * @param where - that folder as the user wrote it, for messages
 * @throws ModelError, every code; FilesError
 */
export async function openModel(files: Files, where: string): Promise<OpenModel> {
  await checkAllThere(files, where)
  const configBytes = (await files.read(CONFIG_NAME))!
  const config = parseModelConfig(new TextDecoder().decode(configBytes), `${where}/${CONFIG_NAME}`)
  const tokenizer = await loadTokenizer(files)
  checkTokenizerFits(tokenizer, config.vocabularySize)
  const stored = await openStoredWeights(files, where)
  const digestedFiles = [CONFIG_NAME, ...stored.fileNames, TOKENIZER_NAME]
  return {
    config,
    tokenizer,
    weights: await checkedOf(stored, config, where),
    digestedFiles,
    digest: newHash => folderDigest(files, digestedFiles, newHash)
  }
}

/**
 * Opens the weights alone, of a folder whose config is known: what a thread does that shares nothing with the one that
 * called `openModel`.
 * @throws ModelError MISSING_FILE, CORRUPT_SAFETENSORS, UNSUPPORTED, TENSOR_MISMATCH; FilesError
 */
export async function openModelWeights(
  files: Files,
  config: ModelConfig,
  where: string
): Promise<WeightSource> {
  return checkedOf(await openStoredWeights(files, where), config, where)
}

/**
 * SHA-256 over `name \0 SHA-256(content)` of config.json, the files that hold tensors, sorted, and tokenizer.json. It
 * names the bytes, not the numbers: the same weights stored in another dtype or split are another base model.
 */
async function folderDigest(
  files: Files,
  names: readonly string[],
  newHash: () => ContentHash
): Promise<Uint8Array> {
  const whole = newHash()
  const buffer = new Uint8Array(PIECE_BYTES)
  for (const name of names) {
    const content = newHash()
    const bytes = (await files.size(name)) ?? 0
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const piece = buffer.subarray(0, Math.min(PIECE_BYTES, bytes - at))
      await files.readInto(name, at, piece)
      content.update(piece)
    }
    whole.update(new TextEncoder().encode(`${name}\0`))
    whole.update(content.digest())
  }
  return whole.digest()
}

function checkedOf(stored: StoredWeights, config: ModelConfig, where: string): Promise<WeightSource> {
  const { fileNames } = stored
  const path = `${where}/${fileNames.length === 1 ? fileNames[0] : INDEX_NAME}`
  return checkedWeights(stored, wantedWeights(config), path)
}

function wantedWeights(config: ModelConfig): WantedWeights {
  return {
    shapes: new Map(modelTensors(config).map(({ name, shape }) => [name, shape])),
    // Some are saved without the outer module.
    aliasesOf: name => [name.replace(/^(model|transformer)\./, '')],
    isRedundant: name => /\.(rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias)$/.test(name),
    copies: new Map(config.tiedEmbeddings ? [['lm_head.weight', outerTensors(config).embedding]] : [])
  }
}

/** Says at once everything that is missing. */
async function checkAllThere(files: Files, where: string): Promise<void> {
  const isThere = async (name: string): Promise<boolean> => (await files.size(name)) !== null
  const hasWeights = (await isThere(SINGLE_NAME)) || (await isThere(INDEX_NAME))
  const missing = [
    ...((await isThere(CONFIG_NAME)) ? [] : [CONFIG_NAME]),
    ...(hasWeights ? [] : [SINGLE_NAME]),
    ...((await isThere(TOKENIZER_NAME)) ? [] : [TOKENIZER_NAME])
  ]
  if (missing.length === 0) return
  const data = { path: where, missing }
  if (missing.length === 3) {
    throw new ModelError(
      'MISSING_FILE',
      data,
      `${where} is not a model folder: it holds none of ${missing.join(', ')}. ` +
        'Check the path, name a model of the Hugging Face Hub (owner/name), or use the word "embedded" for the toy model that comes with fedpeft.'
    )
  }
  const others = await files.list('')
  const isOtherForm = !hasWeights && others.some(name => /\.(bin|pth|gguf|h5|msgpack|onnx)$/.test(name))
  const hint = isOtherForm
    ? 'Only safetensors weights are supported: download model.safetensors of the same model.'
    : 'Download it from where the other files came from.'
  throw new ModelError('MISSING_FILE', data, `${where}: ${missing.join(' and ')} missing. ${hint}`)
}
