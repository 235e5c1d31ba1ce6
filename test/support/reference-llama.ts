/** A Llama-style decoder in plain float64 loops, written from the papers, to check the engine's against. */
import type { ModelConfig } from '../../node/model/model-config.ts'

/** Rows of activations. */
export type Rows = number[][]

/** y = x Wᵀ, W [out, in] flat. */
export function referenceLinear(x: Rows, weight: ArrayLike<number>): Rows {
  return x.map(row => {
    const outSize = weight.length / row.length
    return Array.from({ length: outSize }, (_, o) =>
      row.reduce((sum, value, i) => sum + value * weight[o * row.length + i]!, 0)
    )
  })
}

export function referenceRmsNorm(x: Rows, gain: ArrayLike<number>, epsilon: number): Rows {
  return x.map(row => {
    const meanSquare = row.reduce((sum, value) => sum + value ** 2, 0) / row.length
    return row.map((value, i) => (value / Math.sqrt(meanSquare + epsilon)) * gain[i]!)
  })
}

export function referenceSwiglu(gate: Rows, up: Rows): Rows {
  return gate.map((row, n) => row.map((g, i) => (g / (1 + Math.exp(-g))) * up[n]![i]!))
}

/** Turns pairs (i, i + size / 2) of one head at position t. */
function turned(head: readonly number[], t: number, theta: number): number[] {
  const half = head.length / 2
  return head.map((value, i) => {
    const angle = t * theta ** (-(2 * (i % half)) / head.length)
    const partner = i < half ? -head[i + half]! : head[i - half]!
    return value * Math.cos(angle) + partner * Math.sin(angle)
  })
}

/** One sequence: q [time, heads * size], k and v [time, kvHeads * size] -> [time, heads * size]. */
export function referenceAttention(q: Rows, k: Rows, v: Rows, config: AttentionConfig): Rows {
  const { headCount, keyValueHeadCount, headSize, rotary } = config
  const { theta } = rotary!
  const out = q.map(row => row.map(() => 0))
  for (let head = 0; head < headCount; head++) {
    const shared = Math.floor(head / (headCount / keyValueHeadCount))
    const cut = (row: readonly number[], index: number) => row.slice(index * headSize, (index + 1) * headSize)
    for (let t = 0; t < q.length; t++) {
      const query = turned(cut(q[t]!, head), t, theta)
      const scores = k.slice(0, t + 1).map((row, s) => {
        const key = turned(cut(row, shared), s, theta)
        return query.reduce((sum, value, i) => sum + value * key[i]!, 0) / Math.sqrt(headSize)
      })
      const weights = softmax(scores)
      for (let i = 0; i < headSize; i++) {
        out[t]![head * headSize + i] = weights.reduce(
          (sum, w, s) => sum + w * v[s]![shared * headSize + i]!,
          0
        )
      }
    }
  }
  return out
}

export type AttentionConfig = Pick<ModelConfig, 'headCount' | 'keyValueHeadCount' | 'headSize' | 'rotary'>

function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores)
  const powers = scores.map(score => Math.exp(score - highest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map(power => power / sum)
}

/** Mean nats of the targets that are not -1. */
export function referenceCrossEntropy(logits: Rows, targets: ArrayLike<number>): number {
  let sum = 0
  let counted = 0
  logits.forEach((row, n) => {
    const target = targets[n]!
    if (target === -1) return
    const highest = Math.max(...row)
    sum +=
      highest + Math.log(row.reduce((total, value) => total + Math.exp(value - highest), 0)) - row[target]!
    counted++
  })
  return sum / counted
}

/** Values of a LoRA adapter by PEFT key, and its scale. */
export interface ReferenceLora {
  readonly values: ReadonlyMap<string, ArrayLike<number>>
  readonly scale: number
}

/** Logits of every position of one sequence, [time][vocabulary]. The adapter's branch is added, not merged. */
export function referenceLogits(
  config: ModelConfig,
  weights: ReadonlyMap<string, { readonly data: ArrayLike<number> }>,
  ids: ArrayLike<number>,
  lora?: ReferenceLora
): Rows {
  const data = (name: string) => weights.get(name)!.data
  const linear = (x: Rows, module: string): Rows => {
    const y = referenceLinear(x, data(`${module}.weight`))
    const a = lora?.values.get(`base_model.model.${module}.lora_A.weight`)
    const b = lora?.values.get(`base_model.model.${module}.lora_B.weight`)
    if (lora === undefined || a === undefined || b === undefined) return y
    const branch = referenceLinear(referenceLinear(x, a), b)
    return y.map((row, n) => row.map((value, i) => value + lora.scale * branch[n]![i]!))
  }
  const add = (x: Rows, y: Rows): Rows => x.map((row, n) => row.map((value, i) => value + y[n]![i]!))
  const norm = (x: Rows, name: string) => referenceRmsNorm(x, data(`${name}.weight`), config.normEpsilon)
  const { hiddenSize } = config
  const table = data('model.embed_tokens.weight')
  let x: Rows = Array.from(ids, id =>
    Array.from({ length: hiddenSize }, (_, i) => table[id * hiddenSize + i]!)
  )
  for (let layer = 0; layer < config.layerCount; layer++) {
    const prefix = `model.layers.${layer}`
    const h = norm(x, `${prefix}.input_layernorm`)
    const [q, k, v] = ['q', 'k', 'v'].map(name => linear(h, `${prefix}.self_attn.${name}_proj`))
    x = add(x, linear(referenceAttention(q!, k!, v!, config), `${prefix}.self_attn.o_proj`))
    const m = norm(x, `${prefix}.post_attention_layernorm`)
    const gated = referenceSwiglu(linear(m, `${prefix}.mlp.gate_proj`), linear(m, `${prefix}.mlp.up_proj`))
    x = add(x, linear(gated, `${prefix}.mlp.down_proj`))
  }
  return referenceLinear(norm(x, 'model.norm'), config.tiedEmbeddings ? table : data('lm_head.weight'))
}
