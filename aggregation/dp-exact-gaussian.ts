/**
 * The exact privacy curve of Gaussian noise when every client takes part in every round: R rounds of multiplier sigma
 * are one of sigma / sqrt(R), and its delta at each epsilon is known in closed form. Not a bound but the truth for
 * continuous noise. Source: Balle and Wang 2018, arXiv:1805.06530, theorem 8; Dong, Roth and Su 2019, arXiv:1905.02383.
 */
import { checkDelta, checkPositive } from './dp-checks.ts'
import { exp, logNormalTail } from './dp-elementary.ts'

/** Bisection ends when no float64 lies between; each step halves an interval of at most 2^1100 of them. */
const BISECTION_STEPS_MAX = 1200

/** P(Z > a) - e^epsilon P(Z > b), where a and b are epsilon sigma -+ 1 / (2 sigma). */
export function exactGaussianDelta(epsilon: number, noiseMultiplier: number): number {
  checkPositive('noise multiplier', noiseMultiplier)
  const half = 1 / (2 * noiseMultiplier)
  const middle = epsilon * noiseMultiplier
  const with_ = exp(logNormalTail(middle - half))
  const without = exp(epsilon + logNormalTail(middle + half))
  return Math.max(0, with_ - without)
}

/** The least epsilon >= 0 whose delta is at most `delta`, to a relative 1e-12. @param rounds - >= 1 */
export function exactGaussianEpsilon(noiseMultiplier: number, rounds: number, delta: number): number {
  checkDelta(delta)
  const single = noiseMultiplier / Math.sqrt(rounds)
  if (exactGaussianDelta(0, single) <= delta) return 0
  let high = 1
  while (exactGaussianDelta(high, single) > delta) high *= 2
  let low = 0
  for (let step = 0; step < BISECTION_STEPS_MAX && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2
    if (exactGaussianDelta(middle, single) > delta) low = middle
    else high = middle
  }
  return high
}
