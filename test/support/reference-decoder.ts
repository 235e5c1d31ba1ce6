/** Decoders with adapters in plain float64 loops, written from the papers, to check the engine's against. */

import type { AttentionShape } from '../../node/backend/backend.ts'
import type { ModelConfig } from '../../node/model/model-config.ts'
import type { NamedTensor } from '../../node/model/safetensors.ts'
import type { TokenBatch } from '../../node/model/transformer.ts'
import type { Adapter } from '../../node/peft/adapter.ts'
import type { AdapterSettings } from '../../node/peft/adapter-settings.ts'
import { type Exact, exact } from '../node/backend/conformance/exact.ts'
import * as reference from '../node/backend/conformance/reference.ts'
import { attention, type ExactPast, rotate } from '../node/backend/conformance/reference-attention.ts'

/** Tensors by their names in files. */
export type ExactTensors = ReadonlyMap<string, Exact>

export interface ReferenceAdapter {
  readonly settings: AdapterSettings
  readonly tensors: ExactTensors
}

/** Weights as float64 arrays that may be changed. */
export function exactTensors(tensors: ReadonlyMap<string, NamedTensor>): Map<string, Exact> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, exact(shape, data)]))
}

/** An adapter whose tensors are views of `values`: moving those moves it. */
export function referenceAdapter({ settings, layout }: Adapter, values: Float64Array): ReferenceAdapter {
  const tensors = layout.tensors.map(({ name, shape, offset, length }): [string, Exact] => [
    name,
    { shape, values: values.subarray(offset, offset + length) }
  ])
  return { settings, tensors: new Map(tensors) }
}

/** Mean nats of the targets that are not -1. */
export function referenceLoss(
  config: ModelConfig,
  weights: ExactTensors,
  tokens: TokenBatch,
  targets: ArrayLike<number>,
  adapter?: ReferenceAdapter
): number {
  const nats = reference.crossEntropy(referenceLogits(config, weights, tokens, adapter), targets).values
  return (
    nats.reduce((sum, value) => sum + value, 0) / Array.from(targets).filter(target => target >= 0).length
  )
}

/** [batch * time, vocabulary]. The adapter acts beside the weights, which stay as they are. */
export function referenceLogits(
  config: ModelConfig,
  weights: ExactTensors,
  tokens: TokenBatch,
  adapter?: ReferenceAdapter
): Exact {
  return new Reference(config, weights, tokens, adapter).logits()
}

/** Names of a layer's tensors below `layer`, by family. */
const gpt2Names = { root: 'transformer', layers: 'h', norms: ['ln_1', 'ln_2'], last: 'ln_f' }
const llamaNames = {
  root: 'model',
  layers: 'layers',
  norms: ['input_layernorm', 'post_attention_layernorm'],
  last: 'norm'
}

class Reference {
  private readonly config: ModelConfig
  private readonly weights: ExactTensors
  private readonly tokens: TokenBatch
  private readonly adapter: ReferenceAdapter | undefined
  private readonly names: typeof llamaNames

  constructor(
    config: ModelConfig,
    weights: ExactTensors,
    tokens: TokenBatch,
    adapter: ReferenceAdapter | undefined
  ) {
    this.config = config
    this.weights = weights
    this.tokens = tokens
    this.adapter = adapter
    this.names = config.family === 'gpt2' ? gpt2Names : llamaNames
  }

  logits(): Exact {
    const { config, names } = this
    const isGpt2 = config.family === 'gpt2'
    const embedding = this.weight(isGpt2 ? 'transformer.wte.weight' : 'model.embed_tokens.weight')
    let x = reference.gather(embedding, this.tokens.ids)
    if (isGpt2) {
      const positions = this.tokens.ids.map((_, i) => this.firstPosition() + (i % this.tokens.time))
      x = reference.sumOf(x, reference.gather(this.weight('transformer.wpe.weight'), positions))
    }
    for (let layer = 0; layer < config.layerCount; layer++) {
      const path = `${names.root}.${names.layers}.${layer}`
      const [beforeAttention, beforeMlp] = names.norms as [string, string]
      const attended = this.attention(layer, path, this.norm(`${path}.${beforeAttention}`, x))
      x = this.joined(`${path}.attention_adapters`, attended, x)
      x = this.joined(`${path}.output_adapters`, this.mlp(path, this.norm(`${path}.${beforeMlp}`, x)), x)
    }
    const head = config.tiedEmbeddings ? embedding : this.weight('lm_head.weight')
    return reference.matmul(this.norm(`${names.root}.${names.last}`, x), head, false, true)
  }

  private weight(name: string): Exact {
    return this.weights.get(name)!
  }

  private norm(path: string, x: Exact): Exact {
    const gain = this.weight(`${path}.weight`)
    const { normEpsilon } = this.config
    return this.config.family === 'gpt2'
      ? reference.layerNorm(x, gain, this.weight(`${path}.bias`), normEpsilon).y
      : reference.rmsNorm(x, gain, normEpsilon).y
  }

  private linear(path: string, x: Exact): Exact {
    // GPT-2 stores [in, out].
    let y = reference.matmul(x, this.weight(`${path}.weight`), false, this.config.family !== 'gpt2')
    const bias = this.weights.get(`${path}.bias`)
    if (bias !== undefined) y = reference.addBias(y, bias)
    if (this.adapter?.settings.kind !== 'lora') return y
    const { rank, alpha, rankStabilized } = this.adapter.settings
    const factor = (letter: 'A' | 'B') =>
      this.adapter!.tensors.get(`base_model.model.${path}.lora_${letter}.weight`)
    const [a, b] = [factor('A'), factor('B')]
    if (a === undefined || b === undefined) return y
    const inner = reference.matmul(x, a, false, true)
    const scale = alpha / (rankStabilized ? Math.sqrt(rank) : rank)
    return reference.sumOf(y, reference.matmul(inner, b, false, true, scale))
  }

  private mlp(path: string, x: Exact): Exact {
    const { family, activation } = this.config
    if (family === 'gpt2') {
      const inner = reference.activate(activation, this.linear(`${path}.mlp.c_fc`, x))
      return this.linear(`${path}.mlp.c_proj`, inner)
    }
    const gate = this.linear(`${path}.mlp.gate_proj`, x)
    const up = this.linear(`${path}.mlp.up_proj`, x)
    return this.linear(`${path}.mlp.down_proj`, reference.gate(activation, gate, up))
  }

  private attention(layer: number, path: string, x: Exact): Exact {
    const { family, headCount, keyValueHeadCount, headSize, windows } = this.config
    const shape: AttentionShape = {
      batch: this.tokens.batch,
      time: this.tokens.time,
      headCount,
      keyValueHeadCount,
      headSize,
      scale: headSize ** -0.5,
      window: windows[layer]!
    }
    const [q, k, v] = this.queriesKeysValues(path, x, shape)
    const y = attention(q!, k!, v!, shape, this.prefix(layer))
    return this.linear(`${path}.${family === 'gpt2' ? 'attn.c_proj' : 'self_attn.o_proj'}`, y)
  }

  private queriesKeysValues(path: string, x: Exact, shape: AttentionShape): Exact[] {
    const { family, hiddenSize, headNorm, normEpsilon } = this.config
    if (family === 'gpt2') {
      const all = this.linear(`${path}.attn.c_attn`, x)
      return [0, 1, 2].map(i => reference.columnsOf(all, i * hiddenSize, hiddenSize))
    }
    return ['q', 'k', 'v'].map(letter => {
      const y = this.linear(`${path}.self_attn.${letter}_proj`, x)
      if (letter === 'v') return y
      const normed = headNorm
        ? this.headNormed(y, this.weight(`${path}.self_attn.${letter}_norm.weight`), normEpsilon)
        : y
      const headCount = letter === 'q' ? shape.headCount : shape.keyValueHeadCount
      return rotate(normed, { ...shape, headCount }, this.angles(), 1)
    })
  }

  private headNormed(x: Exact, gain: Exact, epsilon: number): Exact {
    const size = gain.shape[0]!
    const heads = { shape: [x.values.length / size, size], values: x.values }
    return { shape: x.shape, values: reference.rmsNorm(heads, gain, epsilon).y.values }
  }

  /** Radians of each pair at each position, [time, headSize / 2]. */
  private angles(): Exact {
    const { rotary, headSize } = this.config
    const { theta, scaling } = rotary!
    if (scaling.kind === 'llama3') throw new RangeError('llama3 scaling is not in this reference')
    const half = headSize / 2
    const values = Float64Array.from({ length: this.tokens.time * half }, (_, at) => {
      const position = this.firstPosition() + Math.floor(at / half)
      const frequency = theta ** ((-2 * (at % half)) / headSize)
      return scaling.kind === 'linear' ? (position * frequency) / scaling.factor : position * frequency
    })
    return { shape: [this.tokens.time, half], values }
  }

  private firstPosition(): number {
    return this.adapter?.settings.kind === 'prefix' ? this.adapter.settings.virtualTokens : 0
  }

  private prefix(layer: number): ExactPast | undefined {
    if (this.adapter?.settings.kind !== 'prefix') return undefined
    const all = this.adapter.tensors.get('prompt_embeddings')!
    const width = this.config.keyValueHeadCount * this.config.headSize
    return {
      keys: reference.columnsOf(all, 2 * layer * width, width),
      values: reference.columnsOf(all, (2 * layer + 1) * width, width),
      length: all.shape[0]!,
      shared: true
    }
  }

  /** residual + output, with the bottleneck at that place if there is one. */
  private joined(place: string, output: Exact, residual: Exact): Exact {
    const sum = reference.sumOf(residual, output)
    if (this.adapter?.settings.kind !== 'bottleneck') return sum
    const { settings, tensors } = this.adapter
    const tensor = (end: string) => tensors.get(`${place}.adapters.fedpeft.${end}`)
    const down = tensor('adapter_down.0.weight')
    if (down === undefined) return sum
    const entering = settings.placement === 'pfeiffer' ? sum : output
    const project = (x: Exact, weight: Exact, bias: Exact) =>
      reference.addBias(reference.matmul(x, weight, false, true), bias)
    const inner = reference.activate(
      settings.activation,
      project(entering, down, tensor('adapter_down.0.bias')!)
    )
    return reference.sumOf(sum, project(inner, tensor('adapter_up.weight')!, tensor('adapter_up.bias')!))
  }
}

/** Central difference of a loss as one value of an array moves. */
export function lossSlope(values: Float64Array, at: number, loss: () => number): number {
  const direction = new Float64Array(values.length)
  direction[at] = 1
  return lossSlopeAlong(values, direction, loss)
}

/** Likewise as all values of an array move along `direction`. */
export function lossSlopeAlong(values: Float64Array, direction: Float64Array, loss: () => number): number {
  const step = 1e-5
  const start = values.slice()
  const moved = (by: number): number => {
    for (let i = 0; i < values.length; i++) values[i] = start[i]! + by * direction[i]!
    return loss()
  }
  const slope = (moved(step) - moved(-step)) / (2 * step)
  values.set(start)
  return slope
}
