import { chiSquareTail, normalTail } from './uniformity.ts'

/** Bins are pooled up to this many expected, so that the chi-square approximation holds (Cochran 1954 asks for 5). */
const EXPECTED_PER_BIN_MIN = 20

/** P(k) and its first moments, of a symmetric distribution over the integers. */
export interface IntegerDistribution {
  /** P(|x| = 0), P(x = 1), P(x = 2), ... until nothing is left. */
  readonly probabilities: Float64Array
  readonly variance: number
  readonly fourthMoment: number
}

export interface Fit {
  /** Probability of a chi-square at least this large. */
  readonly chiSquareP: number
  /** Two-sided probability of a sample variance this far off. */
  readonly varianceP: number
  /** Two-sided probability of a mean this far off zero. */
  readonly meanP: number
}

/** e^(-k² / (2 variance)), normalised. */
export function discreteGaussianDistribution(variance: number): IntegerDistribution {
  const last = Math.ceil(13 * Math.sqrt(variance)) + 5
  return distributionOf(
    Float64Array.from({ length: last + 1 }, (_, k) => Math.exp((-k * k) / (2 * variance)))
  )
}

/** The difference of two Poisson numbers of mean variance / 2, convolved from their probabilities. */
export function skellamDistribution(variance: number): IntegerDistribution {
  const mean = variance / 2
  const last = Math.ceil(mean + 14 * Math.sqrt(mean) + 40)
  const poisson = new Float64Array(last + 1)
  let logTerm = -mean
  for (let k = 0; k <= last; k++) {
    poisson[k] = Math.exp(logTerm)
    logTerm += Math.log(mean / (k + 1))
  }
  const reach = Math.min(last, Math.ceil(13 * Math.sqrt(variance)) + 40)
  return distributionOf(
    Float64Array.from({ length: reach + 1 }, (_, difference) => {
      let sum = 0
      for (let k = 0; k + difference <= last; k++) sum += poisson[k]! * poisson[k + difference]!
      return sum
    })
  )
}

/** @param weights - of 0, 1, 2, ..., in any unit */
function distributionOf(weights: Float64Array): IntegerDistribution {
  const total = weights.reduce((sum, weight, k) => sum + (k === 0 ? weight : 2 * weight), 0)
  const probabilities = weights.map(weight => weight / total)
  const moment = (order: number) => probabilities.reduce((sum, p, k) => sum + 2 * p * k ** order, 0)
  return { probabilities, variance: moment(2), fourthMoment: moment(4) }
}

/** How well `count` samples fit a distribution: Pearson's chi-square, and z-tests of mean and variance. */
export function fitOf(sample: () => number, count: number, expected: IntegerDistribution): Fit {
  const { probabilities, variance, fourthMoment } = expected
  const last = probabilities.length - 1
  const counts = new Float64Array(2 * last + 1)
  let sum = 0
  let squares = 0
  for (let i = 0; i < count; i++) {
    const x = sample()
    sum += x
    squares += x * x
    counts[Math.min(Math.max(x, -last), last) + last]!++
  }
  let statistic = 0
  let bins = 0
  let [pooledCount, pooledExpected] = [0, 0]
  let left = count
  for (let i = 0; i <= 2 * last; i++) {
    const more = count * probabilities[Math.abs(i - last)]!
    pooledCount += counts[i]!
    pooledExpected += more
    left -= more
    if (pooledExpected < EXPECTED_PER_BIN_MIN || left < EXPECTED_PER_BIN_MIN) continue
    statistic += (pooledCount - pooledExpected) ** 2 / pooledExpected
    bins++
    pooledCount = 0
    pooledExpected = 0
  }
  statistic += (pooledCount - pooledExpected) ** 2 / pooledExpected
  const meanZ = sum / Math.sqrt(count * variance)
  const varianceZ = (squares / count - variance) / Math.sqrt((fourthMoment - variance * variance) / count)
  return {
    chiSquareP: chiSquareTail(statistic, bins),
    varianceP: 2 * normalTail(Math.abs(varianceZ)),
    meanP: 2 * normalTail(Math.abs(meanZ))
  }
}
