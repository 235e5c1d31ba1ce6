import type { RotaryTable } from './rope.ts'

/** A block of heads inside rows of activations: row = batch * time + t, columns from `firstColumn`. */
export interface HeadBlock {
  readonly batch: number
  readonly time: number
  /** Columns of one row of the activations. */
  readonly width: number
  readonly firstColumn: number
  /** Groups of heads that share keys and values. */
  readonly groups: number
  /** Heads of this block in each group. */
  readonly headsPerGroup: number
  readonly headSize: number
  /** Turns each head by its position; null leaves it. */
  readonly rotary: RotaryTable | null
  readonly scale: number
}

/** One head of one sequence inside an array: element e at position t is values[start + t * step + e * stride]. */
interface HeadView {
  readonly values: Float32Array
  readonly start: number
  readonly step: number
  readonly stride: number
}

/** The heads of a block, in the order batch, group, head of the group. */
function headIndices({ batch, groups, headsPerGroup }: HeadBlock): number[] {
  return Array.from({ length: batch * groups * headsPerGroup }, (_, index) => index)
}

function inActivations(values: Float32Array, block: HeadBlock, index: number): HeadView {
  const { time, width, firstColumn, groups, headsPerGroup, headSize } = block
  const heads = groups * headsPerGroup
  const start = Math.floor(index / heads) * time * width + firstColumn + (index % heads) * headSize
  return { values, start, step: width, stride: 1 }
}

/** In the layout [batch * groups, headsPerGroup * time, headSize]. */
function inRows(values: Float32Array, { time, headSize }: HeadBlock, index: number): HeadView {
  return { values, start: index * time * headSize, step: headSize, stride: 1 }
}

/** In the layout [batch * groups, headSize, headsPerGroup * time]. */
function inColumns(
  values: Float32Array,
  { time, headsPerGroup, headSize }: HeadBlock,
  index: number
): HeadView {
  const rows = headsPerGroup * time
  const start = Math.floor(index / headsPerGroup) * rows * headSize + (index % headsPerGroup) * time
  return { values, start, step: 1, stride: rows }
}

/**
 * Activations -> one matrix per (batch, group), rows (head, t): [batch * groups, headsPerGroup * time, headSize], turned
 * and scaled.
 * @param plain - receives that layout, if given
 * @param transposed - receives [batch * groups, headSize, headsPerGroup * time], if given
 */
export function splitHeads(
  x: Float32Array,
  block: HeadBlock,
  plain: Float32Array | null,
  transposed: Float32Array | null
): void {
  for (const index of headIndices(block)) {
    const from = inActivations(x, block, index)
    if (plain !== null) turnHead(from, inRows(plain, block, index), block, 1)
    if (transposed !== null) turnHead(from, inColumns(transposed, block, index), block, 1)
  }
}

/** The adjoint of `splitHeads`: matrices per (batch, group) -> their columns of the activations. */
export function mergeHeads(
  heads: Float32Array,
  layout: 'plain' | 'transposed',
  block: HeadBlock,
  x: Float32Array
): void {
  const view = layout === 'plain' ? inRows : inColumns
  for (const index of headIndices(block)) {
    turnHead(view(heads, block, index), inActivations(x, block, index), block, -1)
  }
}

/** Copies a head between layouts, scaled, and turned as its positions say (1) or back (-1). */
function turnHead(
  from: HeadView,
  to: HeadView,
  { time, headSize, rotary, scale }: HeadBlock,
  direction: 1 | -1
): void {
  const half = headSize / 2
  const { values: source, step: fromStep } = from
  const { values: target, step: toStep } = to
  for (let i = 0; i < half; i++) {
    let lowFrom = from.start + i * from.stride
    let lowTo = to.start + i * to.stride
    const highFrom = half * from.stride
    const highTo = half * to.stride
    for (let t = 0; t < time; t++) {
      const low = source[lowFrom]! * scale
      const high = source[lowFrom + highFrom]! * scale
      if (rotary === null) {
        target[lowTo] = low
        target[lowTo + highTo] = high
      } else {
        const cos = rotary.cos[t * half + i]!
        const sin = direction * rotary.sin[t * half + i]!
        target[lowTo] = low * cos - high * sin
        target[lowTo + highTo] = high * cos + low * sin
      }
      lowFrom += fromStep
      lowTo += toStep
    }
  }
}
