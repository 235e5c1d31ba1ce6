import { AggregationError } from './errors.ts'

/** A vector [d] of floats, as it is stored or as it is computed with. */
export type FloatVector = Float32Array | Float64Array

/**
 * Euclidean norm, summed in float64 from the first coordinate to the last. A float32 squared fits float64 without
 * overflow or loss to zero.
 * @throws AggregationError NON_FINITE, naming the coordinate
 */
export function l2Norm(vector: FloatVector): number {
  let squares = 0
  for (let i = 0; i < vector.length; i++) {
    const x = vector[i]!
    if (!Number.isFinite(x)) throw new AggregationError('NON_FINITE', { coordinate: i })
    squares += x * x
  }
  return Math.sqrt(squares)
}

/** @throws AggregationError LENGTH_MISMATCH */
export function checkLength(expected: number, got: number): void {
  if (expected !== got) throw new AggregationError('LENGTH_MISMATCH', { expected, got })
}
