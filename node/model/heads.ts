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
  const { headSize, scale, rotary } = block
  const half = headSize / 2
  forEachHeadRow(block, (source, t, row, columnStart, rowCount) => {
    for (let i = 0; i < half; i++) {
      const first = x[source + i]! * scale
      const second = x[source + half + i]! * scale
      const cos = rotary === null ? 1 : rotary.cos[t * half + i]!
      const sin = rotary === null ? 0 : rotary.sin[t * half + i]!
      const low = first * cos - second * sin
      const high = second * cos + first * sin
      if (plain !== null) {
        plain[row * headSize + i] = low
        plain[row * headSize + half + i] = high
      }
      if (transposed !== null) {
        transposed[columnStart + i * rowCount] = low
        transposed[columnStart + (half + i) * rowCount] = high
      }
    }
  })
}

/** The adjoint of `splitHeads`: matrices per (batch, group) -> their columns of the activations. */
export function mergeHeads(
  heads: Float32Array,
  layout: 'plain' | 'transposed',
  block: HeadBlock,
  x: Float32Array
): void {
  const { headSize, scale, rotary } = block
  const half = headSize / 2
  forEachHeadRow(block, (target, t, row, columnStart, rowCount) => {
    const start = layout === 'plain' ? row * headSize : columnStart
    const stride = layout === 'plain' ? 1 : rowCount
    for (let i = 0; i < half; i++) {
      const low = heads[start + i * stride]! * scale
      const high = heads[start + (half + i) * stride]! * scale
      const cos = rotary === null ? 1 : rotary.cos[t * half + i]!
      const sin = rotary === null ? 0 : rotary.sin[t * half + i]!
      x[target + i] = low * cos + high * sin
      x[target + half + i] = high * cos - low * sin
    }
  })
}

function forEachHeadRow(
  block: HeadBlock,
  visit: (activation: number, t: number, row: number, columnStart: number, rowCount: number) => void
): void {
  const { batch, time, width, firstColumn, groups, headsPerGroup, headSize } = block
  const rowCount = headsPerGroup * time
  for (let b = 0; b < batch; b++) {
    for (let group = 0; group < groups; group++) {
      const matrix = b * groups + group
      for (let head = 0; head < headsPerGroup; head++) {
        const column = firstColumn + (group * headsPerGroup + head) * headSize
        for (let t = 0; t < time; t++) {
          const within = head * time + t
          visit(
            (b * time + t) * width + column,
            t,
            matrix * rowCount + within,
            matrix * rowCount * headSize + within,
            rowCount
          )
        }
      }
    }
  }
}
