// Rotary positions and causal attention as naive loops in float64, one position after the other.

import type { AttentionShape, HeadShape } from '../../../../node/backend/backend.ts'
import { type Exact, exactZeros } from './exact.ts'
import { softmax } from './reference.ts'

/** @param angles - [time, rotated / 2] */
export function rotate(x: Exact, shape: HeadShape, angles: Exact, direction: 1 | -1): Exact {
  const { batch, time, headCount, headSize } = shape
  const half = angles.shape[1]!
  const y = { shape: x.shape, values: x.values.slice() }
  for (let head = 0; head < batch * time * headCount; head++) {
    const t = Math.floor(head / headCount) % time
    for (let i = 0; i < half; i++) {
      const angle = direction * angles.values[t * half + i]!
      const [a, b] = [x.values[head * headSize + i]!, x.values[head * headSize + half + i]!]
      y.values[head * headSize + i] = a * Math.cos(angle) - b * Math.sin(angle)
      y.values[head * headSize + half + i] = b * Math.cos(angle) + a * Math.sin(angle)
    }
  }
  return y
}

export interface ExactPast {
  readonly keys: Exact
  readonly values: Exact
  readonly length: number
  readonly shared: boolean
}

/** Where one key or value that a query sees begins: in the past's matrix or in the present one. */
interface Seen {
  readonly inPast: boolean
  readonly at: number
}

/** What the query at (sequence, t) of a head sees, oldest first. */
function seenBy(sequence: number, t: number, head: number, shape: AttentionShape, past?: ExactPast): Seen[] {
  const { time, headCount, keyValueHeadCount, headSize, window } = shape
  const keyHead = Math.floor(head / (headCount / keyValueHeadCount))
  const width = keyValueHeadCount * headSize
  const isNear = (distance: number) => window === null || distance < window
  const seen: Seen[] = []
  const { length, shared } = past ?? { length: 0, shared: false }
  for (let p = 0; p < length; p++) {
    if (!isNear(t + length - p)) continue
    const row = shared ? p : sequence * length + p
    seen.push({ inPast: true, at: row * width + keyHead * headSize })
  }
  for (let s = 0; s <= t; s++) {
    if (isNear(t - s)) seen.push({ inPast: false, at: (sequence * time + s) * width + keyHead * headSize })
  }
  return seen
}

/** Calls `visit` for each query of each head: where it begins, what it sees and with which weights. */
function eachQuery(
  q: Exact,
  k: Exact,
  shape: AttentionShape,
  past: ExactPast | undefined,
  visit: (at: number, seen: Seen[], weights: Float64Array) => void
): void {
  const { batch, time, headCount, headSize, scale } = shape
  for (let sequence = 0; sequence < batch; sequence++) {
    for (let t = 0; t < time; t++) {
      for (let head = 0; head < headCount; head++) {
        const at = ((sequence * time + t) * headCount + head) * headSize
        const seen = seenBy(sequence, t, head, shape, past)
        const scores = seen.map(({ inPast, at: from }) => {
          const keys = (inPast ? past!.keys : k).values
          let score = 0
          for (let i = 0; i < headSize; i++) score += q.values[at + i]! * keys[from + i]!
          return scale * score
        })
        visit(at, seen, softmax(Float64Array.from(scores)))
      }
    }
  }
}

export function attention(q: Exact, k: Exact, v: Exact, shape: AttentionShape, past?: ExactPast): Exact {
  const y = exactZeros(q.shape)
  eachQuery(q, k, shape, past, (at, seen, weights) => {
    for (const [j, { inPast, at: from }] of seen.entries()) {
      const values = (inPast ? past!.values : v).values
      for (let i = 0; i < shape.headSize; i++) y.values[at + i]! += weights[j]! * values[from + i]!
    }
  })
  return y
}

export interface ExactAttentionGradient {
  readonly q: Exact
  readonly k: Exact
  readonly v: Exact
  readonly past: { readonly keys: Exact; readonly values: Exact }
}

/** With weights p and dp = dy · value: dscore = p (dp - sum(p dp)), dvalue = p dy, dq and dk = scale dscore times the other. */
export function attentionGradient(
  dy: Exact,
  q: Exact,
  k: Exact,
  v: Exact,
  shape: AttentionShape,
  past?: ExactPast
): ExactAttentionGradient {
  const { headSize, scale } = shape
  const [dq, dk, dv] = [exactZeros(q.shape), exactZeros(k.shape), exactZeros(v.shape)]
  const dPast = { keys: exactZeros(past?.keys.shape ?? [0]), values: exactZeros(past?.values.shape ?? [0]) }
  eachQuery(q, k, shape, past, (at, seen, weights) => {
    const dWeights = seen.map(({ inPast, at: from }) => {
      const values = (inPast ? past!.values : v).values
      let dot = 0
      for (let i = 0; i < headSize; i++) dot += dy.values[at + i]! * values[from + i]!
      return dot
    })
    const mean = dWeights.reduce((sum, value, j) => sum + value * weights[j]!, 0)
    for (const [j, { inPast, at: from }] of seen.entries()) {
      const dScore = scale * weights[j]! * (dWeights[j]! - mean)
      const keys = (inPast ? past!.keys : k).values
      const dKeys = (inPast ? dPast.keys : dk).values
      const dValues = (inPast ? dPast.values : dv).values
      for (let i = 0; i < headSize; i++) {
        dq.values[at + i]! += dScore * keys[from + i]!
        dKeys[from + i]! += dScore * q.values[at + i]!
        dValues[from + i]! += weights[j]! * dy.values[at + i]!
      }
    }
  })
  return { q: dq, k: dk, v: dv, past: dPast }
}
