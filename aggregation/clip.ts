import { AggregationError } from './errors.ts'
import { type FloatVector, l2Norm } from './vector.ts'

export interface ClippedDelta {
  /** Shape [d]; a copy, at most `clipNorm` long up to rounding in float64. */
  readonly clipped: Float64Array
  /** L2 norm before clipping. */
  readonly norm: number
  readonly wasClipped: boolean
}

/**
 * Scales a delta [d] down to the L2 norm `clipNorm` if it is longer. A single peer can then move the mean by
 * w / (sum of w) * clipNorm at most. Source: McMahan et al. 2018, arXiv:1710.06963, section 3 (flat clipping).
 * @param clipNorm - > 0, same unit as `delta`
 * @throws AggregationError NON_FINITE, naming the coordinate; BAD_SETTING for the clip norm
 */
export function clipToNorm(delta: FloatVector, clipNorm: number): ClippedDelta {
  if (!(clipNorm > 0 && Number.isFinite(clipNorm))) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'clipNorm',
      got: clipNorm,
      expected: 'finite and > 0'
    })
  }
  const norm = l2Norm(delta)
  const clipped = Float64Array.from(delta)
  if (norm <= clipNorm) return { clipped, norm, wasClipped: false }
  // Float64, not Float32: rounding back to float32 could push the norm above the bound again.
  const factor = clipNorm / norm
  for (let i = 0; i < clipped.length; i++) clipped[i] = clipped[i]! * factor
  return { clipped, norm, wasClipped: true }
}
