/**
 * Rényi differential privacy of one release with Gaussian noise, per order alpha. Neighbours differ by one client, who
 * is there or not. Rounds compose by adding, order by order. Source: Mironov 2017, arXiv:1702.07476.
 */
import { checkPositive, checkSetting } from './dp-checks.ts'
import { expm1, log, log1p, logAdd, logNormalTail } from './dp-elementary.ts'

/** 1.1 to 10.9 in steps of 0.1, 11 to 63, and four large ones: as dp_accounting of Google has them. */
export const realOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[128, 256, 512, 1024]
]

/** 2 to 128 and 256, for bounds that hold at integers: as distributed_dp of Google Research has them. */
export const integerOrders: readonly number[] = [...Array.from({ length: 127 }, (_, i) => 2 + i), 256]

/** A series that has not converged by then gives no bound: that order is left out. */
const SERIES_TERMS_MAX = 1000

/**
 * alpha / (2 sigma²), exact. Source: Mironov 2017, corollary 3.
 * @param order - alpha > 1
 * @param noiseMultiplier - standard deviation over L2 sensitivity
 */
export function gaussianRdp(order: number, noiseMultiplier: number): number {
  checkOrder(order)
  checkPositive('noise multiplier', noiseMultiplier)
  return order / (2 * noiseMultiplier * noiseMultiplier)
}

/**
 * The Gaussian over a Poisson sample of the clients, drawn anew in each round and kept secret. Exact for integer orders;
 * for others an upper bound: the tail of an alternating series is added up without its signs (up to a fifth above the
 * truth at order 1.1, under 1e-4 of it from order 4.3 on).
 * Source: Mironov, Talwar and Zhang 2019, arXiv:1908.10530, section 3.3, as dp_accounting of Google computes it.
 * @param order - alpha > 1
 * @param samplingRate - q in (0, 1]
 * @returns Infinity for an order whose series does not converge
 */
export function subsampledGaussianRdp(order: number, samplingRate: number, noiseMultiplier: number): number {
  checkSetting('sampling rate', samplingRate, 'above 0 and at most 1', samplingRate > 0 && samplingRate <= 1)
  if (samplingRate === 1) return gaussianRdp(order, noiseMultiplier)
  checkOrder(order)
  checkPositive('noise multiplier', noiseMultiplier)
  const moment = Number.isInteger(order) ? logMomentAtInteger : logMomentAtFraction
  // Rounding can leave a moment of almost 1 just below it; no divergence is negative.
  return Math.max(0, moment(order, samplingRate, noiseMultiplier) / (order - 1))
}

function logMomentAtInteger(order: number, q: number, sigma: number): number {
  const [logQ, logRest] = [log(q), log1p(-q)]
  let logBinomial = 0
  let total = Number.NEGATIVE_INFINITY
  for (let i = 0; i <= order; i++) {
    const exponent = (i * i - i) / (2 * sigma * sigma)
    total = logAdd(total, logBinomial + i * logQ + (order - i) * logRest + exponent)
    logBinomial += log((order - i) / (i + 1))
  }
  return total
}

function logMomentAtFraction(order: number, q: number, sigma: number): number {
  const [logQ, logRest] = [log(q), log1p(-q)]
  // Left of it the likelihood without the client is the larger part of the mixture, right of it that with the client.
  const middle = sigma * sigma * (logRest - logQ) + 0.5
  let logBinomial = 0
  let total = Number.NEGATIVE_INFINITY
  let lastLeft = Number.NEGATIVE_INFINITY
  let lastRight = Number.NEGATIVE_INFINITY
  for (let i = 0; i < SERIES_TERMS_MAX; i++) {
    const j = order - i
    const left =
      logBinomial +
      i * logQ +
      j * logRest +
      (i * i - i) / (2 * sigma * sigma) +
      logNormalTail((i - middle) / sigma)
    const right =
      logBinomial +
      j * logQ +
      i * logRest +
      (j * j - j) / (2 * sigma * sigma) +
      logNormalTail((middle - j) / sigma)
    total = logAdd(total, logAdd(left, right))
    // e^-30 of the sum: what follows falls geometrically.
    if (left < lastLeft && right < lastRight && Math.max(left, right) < total - 30) return total
    lastLeft = left
    lastRight = right
    logBinomial += log(Math.abs(order - i) / (i + 1))
  }
  return Number.POSITIVE_INFINITY
}

/**
 * The epsilon that a Rényi bound proves at delta: the best over the orders of
 * rdp + ln(1 - 1/alpha) - ln(delta alpha) / (alpha - 1), and 0 where the total variation alone stays below delta.
 * An upper bound. Source: Canonne, Kamath and Steinke 2020, arXiv:2004.00010, proposition 12.
 * @param rdp - shape [orders], of all rounds together
 */
export function epsilonOfRdp(
  orders: readonly number[],
  rdp: readonly number[],
  delta: number
): { readonly epsilon: number; readonly order: number } {
  let best = { epsilon: Number.POSITIVE_INFINITY, order: orders[0]! }
  orders.forEach((order, i) => {
    const epsilon = epsilonAtOrder(order, rdp[i]!, delta)
    if (epsilon < best.epsilon) best = { epsilon, order }
  })
  return { ...best, epsilon: Math.max(0, best.epsilon) }
}

function epsilonAtOrder(order: number, rdp: number, delta: number): number {
  // Total variation is at most sqrt(1 - e^-KL), and KL at most any Rényi divergence (Bretagnolle and Huber 1979).
  if (delta * delta + expm1(-rdp) > 0) return 0
  // Numerically worthless close to 1, and no order that near is in a list.
  if (order <= 1.01) return Number.POSITIVE_INFINITY
  return rdp + log1p(-1 / order) - log(delta * order) / (order - 1)
}

function checkOrder(order: number): void {
  checkSetting('order', order, 'finite and above 1', order > 1 && Number.isFinite(order))
}
