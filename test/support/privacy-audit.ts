/**
 * A statistical audit of the noise: how well can a distinguisher tell from what a round publishes whether one member's
 * change was in it? What it measures is a lower bound of epsilon; the accountant's must lie above it.
 * Source: Jagielski, Ullman and Oprea 2020, arXiv:2006.07709, section 4 (a threshold, Clopper-Pearson on both errors).
 */

/** What was seen of many rounds: larger speaks for the member having taken part. */
export interface AuditSample {
  readonly withMember: Float64Array
  readonly without: Float64Array
}

export interface AuditResult {
  /** With probability 1 - 2 alpha at least, the true epsilon is above this. */
  readonly epsilonAtLeast: number
  readonly threshold: number
  readonly truePositives: number
  readonly falsePositives: number
  readonly trials: number
}

/** Tried from each of the two samples. */
const THRESHOLDS = 100

/**
 * Half of the trials choose the threshold, the other half are counted, so that choosing does not flatter the result.
 * @param alpha - probability with which each of the two rates may lie outside its bound
 */
export function auditEpsilon(
  { withMember, without }: AuditSample,
  delta: number,
  alpha: number
): AuditResult {
  const half = Math.floor(Math.min(withMember.length, without.length) / 2)
  const threshold = bestThreshold(
    withMember.subarray(0, half).toSorted(),
    without.subarray(0, half).toSorted(),
    delta,
    alpha
  )
  const above = (values: Float64Array) =>
    values.subarray(half, 2 * half).reduce((count, value) => count + (value >= threshold ? 1 : 0), 0)
  const truePositives = above(withMember)
  const falsePositives = above(without)
  // Both directions of the definition: accusing the present, and clearing the absent.
  const accusing = ratioAtLeast(truePositives, falsePositives, half, delta, alpha)
  const clearing = ratioAtLeast(half - falsePositives, half - truePositives, half, delta, alpha)
  const epsilonAtLeast = Math.max(0, Math.log(Math.max(accusing, clearing)))
  return { epsilonAtLeast, threshold, truePositives, falsePositives, trials: half }
}

function ratioAtLeast(hits: number, misses: number, trials: number, delta: number, alpha: number): number {
  return (
    Math.max(0, clopperPearsonLower(hits, trials, alpha) - delta) / clopperPearsonUpper(misses, trials, alpha)
  )
}

/** The one whose bound would be the best, were these the trials that count. */
function bestThreshold(
  withMember: Float64Array,
  without: Float64Array,
  delta: number,
  alpha: number
): number {
  const trials = withMember.length
  let best = { ratio: 0, threshold: 0 }
  for (let step = 0; step < THRESHOLDS; step++) {
    const at = Math.floor((step / THRESHOLDS) * trials)
    for (const threshold of [withMember[at]!, without[at]!]) {
      const hits = trials - countBelow(withMember, threshold)
      const falsely = trials - countBelow(without, threshold)
      const ratio = Math.max(
        ratioAtLeast(hits, falsely, trials, delta, alpha),
        ratioAtLeast(trials - falsely, trials - hits, trials, delta, alpha)
      )
      if (ratio > best.ratio) best = { ratio, threshold }
    }
  }
  return best.threshold
}

/** In a sorted list. */
function countBelow(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** The largest p for which so many successes or more have at most probability alpha. Clopper and Pearson 1934. */
export function clopperPearsonLower(successes: number, trials: number, alpha: number): number {
  if (successes === 0) return 0
  return bisect(p => binomialTail(successes, trials, p) <= alpha)
}

/** The smallest p for which so few successes or fewer have at most probability alpha. */
export function clopperPearsonUpper(successes: number, trials: number, alpha: number): number {
  return 1 - clopperPearsonLower(trials - successes, trials, alpha)
}

/** The end of an interval from 0 on which something holds. */
function bisect(holds: (p: number) => boolean): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (holds(middle)) low = middle
    else high = middle
  }
  return low
}

/** P(X >= k) for X ~ Binomial(n, p), summed term by term. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1
  if (p <= 0) return 0
  if (p >= 1) return 1
  const mode = Math.floor((n + 1) * p)
  // From the near end of the smaller side, where terms only fall.
  if (k <= mode) return 1 - lowerTail(k - 1, n, p)
  let term = Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p))
  let sum = 0
  for (let i = k; i <= n && term > sum * 1e-17; i++) {
    sum += term
    term *= ((n - i) / (i + 1)) * (p / (1 - p))
  }
  return sum
}

/** P(X <= k), k below the mode. */
function lowerTail(k: number, n: number, p: number): number {
  let term = Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p))
  let sum = 0
  for (let i = k; i >= 0 && term > sum * 1e-17; i--) {
    sum += term
    term *= (i / (n - i + 1)) * ((1 - p) / p)
  }
  return sum
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

const logFactorials: number[] = [0]

function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i++) logFactorials.push(logFactorials[i - 1]! + Math.log(i))
  return logFactorials[n]!
}
