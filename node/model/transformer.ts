import type { RotaryTables } from '../backend/backend.ts'
import { attention } from '../backend/ops/attention.ts'
import { activate, add, gate } from '../backend/ops/elementwise.ts'
import { linear } from '../backend/ops/linear.ts'
import { layerNorm, rmsNorm } from '../backend/ops/norm.ts'
import { gather, splitColumns } from '../backend/ops/table.ts'
import type { Tape, Variable } from '../backend/tape.ts'
import type { AdapterHooks } from './adapter-hooks.ts'
import type { KeyValueCache } from './key-value-cache.ts'
import type { ModelConfig } from './model-config.ts'
import { type LinearModule, layerName, linearModules, normNames, outerTensors } from './tensors.ts'

/** Token ids of `batch` sequences of `time` tokens, [batch * time]. */
export interface TokenBatch {
  readonly ids: Int32Array
  readonly batch: number
  readonly time: number
}

export interface DecoderInput {
  readonly tokens: TokenBatch
  /** Position of the first token of each sequence. */
  readonly firstPosition: number
  /** For these positions; null where they are learned. */
  readonly rotary: RotaryTables | null
  readonly adapter: AdapterHooks
  /** Of the tokens before; what these tokens add is put in. */
  readonly cache: KeyValueCache | null
}

/** The weights of a model by their Hugging Face names. Linear weights are [out, in] in every family. */
export type WeightOf = (name: string) => Variable

/**
 * A decoder-only transformer in the layout of Hugging Face: Llama (Touvron et al. 2023, arXiv:2302.13971), Mistral
 * (arXiv:2310.06825), Qwen2 (arXiv:2407.10671), Qwen3 (arXiv:2505.09388), GPT-2 (Radford et al. 2019).
 */
export class Decoder {
  private readonly config: ModelConfig
  private readonly weightOf: WeightOf
  private readonly modules: ReadonlyMap<string, LinearModule>
  private readonly scale: number

  constructor(config: ModelConfig, weightOf: WeightOf) {
    this.config = config
    this.weightOf = weightOf
    this.modules = new Map(linearModules(config).map(module => [module.name, module]))
    this.scale = 1 / Math.sqrt(config.headSize)
  }

  /** Tokens -> final hidden states, [batch * time, hiddenSize]; the head makes logits of them. */
  hidden(tape: Tape, input: DecoderInput): Variable {
    let x = this.embed(tape, input)
    for (let layer = 0; layer < this.config.layerCount; layer++) {
      x = tape.layer(x, (tape, x) => this.layer(tape, layer, input, x))
    }
    return this.norm(tape, x, outerTensors(this.config).finalNorm)
  }

  head(): Variable {
    return this.weightOf(outerTensors(this.config).head)
  }

  private embed(tape: Tape, { tokens, firstPosition }: DecoderInput): Variable {
    const { embedding, positions } = outerTensors(this.config)
    const x = gather(tape, this.weightOf(embedding), tokens.ids)
    if (positions === null) return x
    const at = tokens.ids.map((_, i) => firstPosition + (i % tokens.time))
    return add(tape, x, gather(tape, this.weightOf(positions), at))
  }

  private layer(tape: Tape, layer: number, input: DecoderInput, x: Variable): Variable {
    const { adapter } = input
    const path = layerName(this.config, layer)
    const norms = normNames(this.config)
    const join = (part: 'attention' | 'mlp', output: Variable, residual: Variable): Variable =>
      adapter.join?.(tape, layer, part, output, residual) ?? add(tape, residual, output)
    const attended = this.attention(tape, layer, input, this.norm(tape, x, `${path}.${norms.attention}`))
    const middle = join('attention', attended, x)
    return join('mlp', this.mlp(tape, layer, input, this.norm(tape, middle, `${path}.${norms.mlp}`)), middle)
  }

  private attention(tape: Tape, layer: number, input: DecoderInput, x: Variable): Variable {
    const { config } = this
    const { headCount, keyValueHeadCount, headSize } = config
    const { tokens, rotary, cache } = input
    const [q, k, v] = this.queriesKeysValues(tape, layer, input, x)
    const shape = {
      batch: tokens.batch,
      time: tokens.time,
      headCount,
      keyValueHeadCount,
      headSize,
      scale: this.scale,
      window: config.windows[layer]!
    }
    const past = cache?.past(layer) ?? input.adapter.past?.(layer) ?? null
    const y = attention(tape, q, k, v, shape, rotary, past)
    cache?.append(layer, past, k.tensor, v.tensor)
    return this.linear(tape, layer, input, config.family === 'gpt2' ? 'attn.c_proj' : 'self_attn.o_proj', y)
  }

  private queriesKeysValues(
    tape: Tape,
    layer: number,
    input: DecoderInput,
    x: Variable
  ): [Variable, Variable, Variable] {
    const { family, hiddenSize, headNorm, normEpsilon } = this.config
    if (family === 'gpt2') {
      const all = this.linear(tape, layer, input, 'attn.c_attn', x)
      return splitColumns(tape, all, [hiddenSize, hiddenSize, hiddenSize]) as [Variable, Variable, Variable]
    }
    const [q, k, v] = ['q', 'k', 'v'].map(letter => {
      const y = this.linear(tape, layer, input, `self_attn.${letter}_proj`, x)
      if (!headNorm || letter === 'v') return y
      const gain = this.weightOf(`${layerName(this.config, layer)}.self_attn.${letter}_norm.weight`)
      return rmsNorm(tape, y, gain, normEpsilon)
    })
    return [q!, k!, v!]
  }

  private mlp(tape: Tape, layer: number, input: DecoderInput, x: Variable): Variable {
    const { family, activation } = this.config
    const through = (module: string, x: Variable) => this.linear(tape, layer, input, module, x)
    if (family === 'gpt2') {
      return through('mlp.c_proj', activate(tape, activation, through('mlp.c_fc', x)))
    }
    return through(
      'mlp.down_proj',
      gate(tape, activation, through('mlp.gate_proj', x), through('mlp.up_proj', x))
    )
  }

  private linear(tape: Tape, layer: number, input: DecoderInput, module: string, x: Variable): Variable {
    const path = `${layerName(this.config, layer)}.${module}`
    const bias = this.modules.get(module)!.hasBias ? this.weightOf(`${path}.bias`) : null
    const rows = input.tokens.ids.length
    const lowRank = input.adapter.lowRank?.(layer, module, rows) ?? null
    return linear(tape, x, this.weightOf(`${path}.weight`), bias, lowRank)
  }

  private norm(tape: Tape, x: Variable, path: string): Variable {
    const { family, normEpsilon } = this.config
    const gain = this.weightOf(`${path}.weight`)
    return family === 'gpt2'
      ? layerNorm(tape, x, gain, this.weightOf(`${path}.bias`), normEpsilon)
      : rmsNorm(tape, x, gain, normEpsilon)
  }
}
