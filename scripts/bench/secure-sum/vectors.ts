import { seededRandom } from '../../../aggregation/random.ts'
import { l2Norm } from '../../../aggregation/vector.ts'

/**
 * The change of one peer, shape [d], norm 1: half of it (of the energy) is common to all, half its own. Heavy tails, as
 * real ones have: Student's t with two degrees of freedom.
 */
export function deltaOf(peer: number, dimension: number): Float64Array {
  const delta = studentT(-1, dimension)
  const own = studentT(peer, dimension)
  for (let i = 0; i < dimension; i++) delta[i] = (delta[i]! + own[i]!) * Math.SQRT1_2
  return normalized(delta)
}

function studentT(seed: number, dimension: number): Float64Array {
  const random = seededRandom(seed)
  const values = new Float64Array(dimension)
  for (let i = 0; i < dimension; i++) {
    // Inverse of the distribution function, which for two degrees has a closed form.
    const u = (2 * random.nextUint32() + 1) / 2 ** 32 - 1
    values[i] = u * Math.sqrt(2 / (1 - u * u))
  }
  return normalized(values)
}

function normalized(values: Float64Array): Float64Array {
  const norm = l2Norm(values)
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / norm
  return values
}

/** |got - wanted|^2 / |wanted|^2 */
export function normalisedSquaredError(got: Float64Array, wanted: Float64Array): number {
  let error = 0
  let energy = 0
  for (let i = 0; i < wanted.length; i++) {
    error += (got[i]! - wanted[i]!) ** 2
    energy += wanted[i]! ** 2
  }
  return error / energy
}
