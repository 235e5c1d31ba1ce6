import { ModelError } from './errors.ts'
import type { LlamaConfig } from './model-config.ts'
import type { NamedTensor } from './safetensors.ts'

/** Hugging Face names of a Llama model -> values, linear weights as [out, in]. */
export type ModelWeights = ReadonlyMap<string, NamedTensor>

/** Linear layers that read the same input and are computed as one product. */
export type LinearGroup = 'qkv' | 'output' | 'gateUp' | 'down'

export const linearGroups: readonly LinearGroup[] = ['qkv', 'output', 'gateUp', 'down']

/** The modules of each group, in the order in which their rows are stacked. */
export const groupModules: Readonly<Record<LinearGroup, readonly string[]>> = {
  qkv: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  output: ['self_attn.o_proj'],
  gateUp: ['mlp.gate_proj', 'mlp.up_proj'],
  down: ['mlp.down_proj']
}

/** The shape [out, in] of a linear module of any layer, or null if there is no such module. */
export function moduleShape(config: LlamaConfig, module: string): readonly [number, number] | null {
  const { hiddenSize, headCount, keyValueHeadCount, headSize, intermediateSize } = config
  switch (module) {
    case 'self_attn.q_proj':
      return [headCount * headSize, hiddenSize]
    case 'self_attn.k_proj':
    case 'self_attn.v_proj':
      return [keyValueHeadCount * headSize, hiddenSize]
    case 'self_attn.o_proj':
      return [hiddenSize, headCount * headSize]
    case 'mlp.gate_proj':
    case 'mlp.up_proj':
      return [intermediateSize, hiddenSize]
    case 'mlp.down_proj':
      return [hiddenSize, intermediateSize]
    default:
      return null
  }
}

/** Tensors that are stacked by rows into one: the smallest unit in which the model holds its weights. */
export interface WeightBlock {
  readonly names: readonly string[]
  /** Of the stack: [rows, columns], or [length] for a norm's gain. */
  readonly shape: readonly number[]
  /** Rows (or elements) of each named tensor. */
  readonly rows: readonly number[]
}

export interface LayerBlocks extends Readonly<Record<LinearGroup, WeightBlock>> {
  readonly attentionNorm: WeightBlock
  readonly mlpNorm: WeightBlock
}

export interface ModelBlocks {
  readonly embedding: WeightBlock
  readonly layers: readonly LayerBlocks[]
  readonly finalNorm: WeightBlock
  /** Null if the embedding serves as head. */
  readonly head: WeightBlock | null
}

export function modelBlocks(config: LlamaConfig): ModelBlocks {
  const { hiddenSize, vocabularySize, layerCount, tiedEmbeddings } = config
  const norm = (name: string): WeightBlock => ({ names: [name], shape: [hiddenSize], rows: [hiddenSize] })
  const table = (name: string): WeightBlock => ({
    names: [name],
    shape: [vocabularySize, hiddenSize],
    rows: [vocabularySize]
  })
  const linear = (layer: number, group: LinearGroup): WeightBlock => {
    const shapes = groupModules[group].map(module => moduleShape(config, module)!)
    return {
      names: groupModules[group].map(module => `model.layers.${layer}.${module}.weight`),
      shape: [shapes.reduce((sum, shape) => sum + shape[0], 0), shapes[0]![1]],
      rows: shapes.map(shape => shape[0])
    }
  }
  return {
    embedding: table('model.embed_tokens.weight'),
    layers: Array.from({ length: layerCount }, (_, layer) => ({
      attentionNorm: norm(`model.layers.${layer}.input_layernorm.weight`),
      mlpNorm: norm(`model.layers.${layer}.post_attention_layernorm.weight`),
      qkv: linear(layer, 'qkv'),
      output: linear(layer, 'output'),
      gateUp: linear(layer, 'gateUp'),
      down: linear(layer, 'down')
    })),
    finalNorm: norm('model.norm.weight'),
    head: tiedEmbeddings ? null : table('lm_head.weight')
  }
}

/** Every block, matrices first, then the norms' gains (which weight decay leaves alone). */
export function blockList({ embedding, layers, finalNorm, head }: ModelBlocks): WeightBlock[] {
  return [
    embedding,
    ...layers.flatMap(layer => linearGroups.map(group => layer[group])),
    ...(head === null ? [] : [head]),
    ...layers.flatMap(layer => [layer.attentionNorm, layer.mlpNorm]),
    finalNorm
  ]
}

/**
 * The values of a block, its named tensors stacked by rows.
 * @throws ModelError TENSOR_MISMATCH, naming the tensor that is missing or has another shape than config.json asks for
 */
export function stackedValues(weights: ModelWeights, block: WeightBlock): Float32Array {
  const columns = block.shape[1] ?? 1
  const stacked = new Float32Array(block.rows.reduce((sum, rows) => sum + rows, 0) * columns)
  let at = 0
  block.names.forEach((name, i) => {
    const expected = block.shape.length === 1 ? [block.rows[i]!] : [block.rows[i]!, columns]
    const tensor = weights.get(name)
    if (tensor === undefined) {
      throw new ModelError(
        'TENSOR_MISMATCH',
        { tensor: name, expected },
        `the weights have no tensor ${name}, which config.json calls for: are config.json and model.safetensors from the same model?`
      )
    }
    if (tensor.shape.length !== expected.length || tensor.shape.some((size, d) => size !== expected[d])) {
      throw new ModelError(
        'TENSOR_MISMATCH',
        { tensor: name, expected, got: tensor.shape },
        `${name} has shape [${tensor.shape}], but config.json calls for [${expected}]: are config.json and model.safetensors from the same model?`
      )
    }
    stacked.set(tensor.data, at)
    at += tensor.data.length
  })
  return stacked
}

/** The inverse of `stackedValues`: copies the named tensors out of a stack. */
export function unstackedTensors(
  stacked: Float32Array,
  block: WeightBlock
): Array<[name: string, NamedTensor]> {
  const columns = block.shape[1] ?? 1
  let at = 0
  return block.names.map((name, i) => {
    const rows = block.rows[i]!
    const data = stacked.slice(at, at + rows * columns)
    at += data.length
    return [name, { shape: block.shape.length === 1 ? [rows] : [rows, columns], data }]
  })
}
