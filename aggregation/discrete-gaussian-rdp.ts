import { checkSetting, checkWhole } from './dp-checks.ts'
import { exp } from './dp-elementary.ts'
import type { IntegerSensitivity } from './skellam-rdp.ts'

/** The noise of a sum to which `shares` peers each added discrete Gaussian noise. */
export interface SummedDiscreteGaussian {
  /** h >= 1, the shares that the one who looks cannot subtract. */
  readonly shares: number
  /** sigma² of one share, in squared integer steps, >= 1/4. */
  readonly shareVariance: number
  /** d, coordinates of the sum. */
  readonly dimension: number
}

/**
 * Rényi divergence of a sum of discrete Gaussians, an upper bound. One share is at most a Gaussian; the sum of several
 * is no discrete Gaussian, but within a factor e^tau of one in each coordinate.
 * Source: Canonne, Kamath and Steinke 2020, arXiv:2004.00010, proposition 5 (one share); Kairouz, Liu and Steinke 2021,
 * arXiv:2102.06387, proposition 14 (several), as distributed_dp of Google Research has it.
 * @param order - alpha > 1
 */
export function discreteGaussianRdp(
  order: number,
  { l1, l2 }: IntegerSensitivity,
  noise: SummedDiscreteGaussian
): number {
  const { shares, shareVariance, dimension } = noise
  checkSetting('order', order, 'finite and above 1', order > 1 && Number.isFinite(order))
  checkWhole('shares', shares, 1)
  checkWhole('dimension', dimension, 1)
  checkSetting('share variance', shareVariance, 'at least 1/4', shareVariance >= 0.25)
  const deviation = Math.sqrt(shares * shareVariance)
  const tau = distanceFromDiscreteGaussian(shares, shareVariance)
  const [scaled1, scaled2] = [l1 / deviation, l2 / deviation]
  const shifted = scaled2 + Math.sqrt(dimension) * tau
  return Math.min(
    (order / 2) * scaled2 * scaled2 + tau * dimension,
    (order / 2) * (scaled2 * scaled2 + 2 * scaled1 * tau + tau * tau * dimension),
    (order / 2) * shifted * shifted
  )
}

/** tau = 10 sum over k = 1..shares-1 of e^(-2 pi² sigma² k / (k + 1)); 0 for one share. */
function distanceFromDiscreteGaussian(shares: number, shareVariance: number): number {
  let sum = 0
  for (let k = 1; k < shares; k++) sum += exp(-2 * Math.PI * Math.PI * shareVariance * (k / (k + 1)))
  return 10 * sum
}
