/**
 * How the named tensors of an adapter lie in one flat vector. Every peer derives the same layout from the
 * model's config and the manifest, and the layout's hash is part of what they agree on.
 */

/**
 * Which side of an adapter a tensor is on. A reads activations: LoRA's A [rank, in], a bottleneck's down projection. B
 * writes them: LoRA's B [out, rank] (delta W = scale * B A), a bottleneck's up projection, a prefix.
 */
export type AdapterFactor = 'A' | 'B'

export interface AdapterTensor {
  /** Hugging Face PEFT key, e.g. `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`. */
  readonly name: string
  readonly factor: AdapterFactor
  /** [rows, columns], or [length] of a bias. */
  readonly shape: readonly number[]
  /** Where the tensor begins in the flat vector, in elements. */
  readonly offset: number
  /** The product of the shape. */
  readonly length: number
}

/** Tensors in the order in which they lie, without gaps: tensors[i + 1].offset = tensors[i].offset + tensors[i].length. */
export interface AdapterLayout {
  readonly tensors: readonly AdapterTensor[]
  /** Elements in all. */
  readonly length: number
}

/** A run of elements of the flat vector: [offset, offset + length). */
export interface Span {
  readonly offset: number
  readonly length: number
}

/** Builds a layout from names and shapes laid end to end. */
export function layoutOf(
  tensors: ReadonlyArray<Pick<AdapterTensor, 'name' | 'factor' | 'shape'>>
): AdapterLayout {
  let offset = 0
  const placed = tensors.map(({ name, factor, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1)
    const tensor: AdapterTensor = { name, factor, shape, offset, length }
    offset += length
    return tensor
  })
  return { tensors: placed, length: offset }
}

/** The spans of one factor, or of both, in order. Neighbouring tensors are merged into one span. */
export function spansOf(layout: AdapterLayout, factors: readonly AdapterFactor[]): Span[] {
  const spans: Array<{ offset: number; length: number }> = []
  for (const tensor of layout.tensors) {
    if (!factors.includes(tensor.factor)) continue
    const last = spans.at(-1)
    if (last !== undefined && last.offset + last.length === tensor.offset) last.length += tensor.length
    else spans.push({ offset: tensor.offset, length: tensor.length })
  }
  return spans
}

/** Copies the spans of `vector` [d] into one dense vector, in order. */
export function gatherSpans(vector: Float32Array, spans: readonly Span[]): Float32Array {
  const out = new Float32Array(spans.reduce((sum, span) => sum + span.length, 0))
  let at = 0
  for (const { offset, length } of spans) {
    out.set(vector.subarray(offset, offset + length), at)
    at += length
  }
  return out
}

/** The inverse of `gatherSpans`: writes the dense vector back to the spans of `vector` [d]. */
export function scatterSpans(dense: Float32Array, spans: readonly Span[], vector: Float32Array): void {
  let at = 0
  for (const { offset, length } of spans) {
    vector.set(dense.subarray(at, at + length), offset)
    at += length
  }
}

/** Canonical text of a layout, the input of its hash: one `name factor sizes` line per tensor. */
export function layoutText(layout: AdapterLayout): string {
  return layout.tensors.map(t => `${t.name} ${t.factor} ${t.shape.join(' ')}\n`).join('')
}
