import type { AttentionShape, Past, RotaryTables, Tensor } from '../backend.ts'
import type { Tape, Variable } from '../tape.ts'

/** Keys and values before the first position: a cache, or a learned prefix (which is shared, and is not rotated). */
export interface PastVariables {
  readonly keys: Variable
  readonly values: Variable
  readonly length: number
  readonly shared: boolean
}

/**
 * Causal attention: [n, headCount * headSize] like the queries. Vaswani et al. 2017, arXiv:1706.03762; shared key and
 * value heads: Ainslie et al. 2023, arXiv:2305.13245.
 *
 * Queries and keys are rotated in place: nobody else may read these variables' tensors as they were.
 */
export function attention(
  tape: Tape,
  q: Variable,
  k: Variable,
  v: Variable,
  shape: AttentionShape,
  rotary: RotaryTables | null,
  past: PastVariables | null
): Variable {
  const { backend } = tape
  const keyShape = { ...shape, headCount: shape.keyValueHeadCount }
  const rotate = (dq: Tensor, dk: Tensor, direction: 1 | -1): void => {
    if (rotary === null) return
    backend.rotate(dq, shape, rotary, direction)
    backend.rotate(dk, keyShape, rotary, direction)
  }
  rotate(q.tensor, k.tensor, 1)
  const pastTensors = past === null ? undefined : tensorsOf(past)
  const { y, saved } = backend.attention(q.tensor, k.tensor, v.tensor, shape, pastTensors)
  return tape.recordOne([q, k, v, past?.keys, past?.values], y, saved, dy => {
    const gradients = backend.attentionGradient(
      dy,
      q.tensor,
      k.tensor,
      v.tensor,
      y,
      saved,
      shape,
      pastTensors
    )
    rotate(gradients.q, gradients.k, -1)
    tape.give(q, gradients.q)
    tape.give(k, gradients.k)
    tape.give(v, gradients.v)
    if (past !== null && gradients.past !== null) {
      tape.give(past.keys, gradients.past.keys)
      tape.give(past.values, gradients.past.values)
    }
  })
}

function tensorsOf({ keys, values, length, shared }: PastVariables): Past {
  return { keys: keys.tensor, values: values.tensor, length, shared }
}
