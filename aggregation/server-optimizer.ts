import type { Span } from './adapter-layout.ts'
import { AggregationError } from './errors.ts'
import { checkLength } from './vector.ts'

/** How often the server stepped one factor. Powers are kept, as pow differs between engines. */
export interface FactorCounters {
  readonly steps: number
  /** beta1^steps, by repeated multiplication. */
  readonly beta1Power: number
  /** beta2^steps, likewise. */
  readonly beta2Power: number
}

export const zeroCounters: FactorCounters = { steps: 0, beta1Power: 1, beta2Power: 1 }

/** The vectors [d] of the whole adapter that a step changes in place. */
export interface ServerVectors {
  readonly adapter: Float32Array
  readonly moment1: Float32Array
  readonly moment2: Float32Array
}

/**
 * What the server does with the mean delta, taken as a pseudo-gradient that points downhill. Every member runs it and
 * must get the same bits: float64 in the order of the coordinates, only + - * / and sqrt, one Math.fround per value
 * stored. No pow, exp, log or hypot, which engines round differently.
 */
export interface ServerOptimizer {
  readonly name: string
  /**
   * Steps one span of one factor.
   * @param mean - shape [span.length], the weighted mean delta of these coordinates
   * @param counters - of this factor, already advanced to this step
   * @throws AggregationError LENGTH_MISMATCH; NON_FINITE, naming the coordinate of the adapter
   */
  step(vectors: ServerVectors, span: Span, mean: Float64Array, counters: FactorCounters): void
  /** The counters of the next step of a factor. */
  advance(counters: FactorCounters): FactorCounters
}

/**
 * x += learningRate * mean. With 1 it is plain federated averaging.
 * Source: Reddi et al. 2021, arXiv:2003.00295, algorithm 1 with SGD on the server.
 */
export function fedavg({ learningRate = 1 }: { learningRate?: number } = {}): ServerOptimizer {
  checkPositive('learningRate', learningRate)
  return {
    name: 'fedavg',
    step(vectors, { offset, length }, mean) {
      checkLength(length, mean.length)
      for (let i = 0; i < length; i++) {
        const at = offset + i
        vectors.adapter[at] = stored(vectors.adapter[at]! + learningRate * mean[i]!, at)
      }
    },
    advance: ({ steps, beta1Power, beta2Power }) => ({ steps: steps + 1, beta1Power, beta2Power })
  }
}

export interface FedAdamSettings {
  readonly learningRate: number
  readonly beta1?: number
  readonly beta2?: number
  /** Degree of adaptivity: the paper's tau, in the place of Adam's epsilon. */
  readonly tau?: number
  /** Off in the paper, which starts the second moment at tau^2 instead; on, it starts at zero as in Adam. */
  readonly biasCorrection?: boolean
}

/**
 * m = beta1 m + (1 - beta1) mean; v = beta2 v + (1 - beta2) mean^2; x += learningRate m / (sqrt(v) + tau).
 * Source: Reddi et al. 2021, arXiv:2003.00295, algorithm 2 (FedAdam), v before the first step = tau^2;
 * bias correction as Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
 */
export function fedadam(settings: FedAdamSettings): ServerOptimizer {
  const { learningRate, beta1 = 0.9, beta2 = 0.99, tau = 1e-3, biasCorrection = false } = settings
  checkPositive('learningRate', learningRate)
  checkPositive('tau', tau)
  checkDecay('beta1', beta1)
  checkDecay('beta2', beta2)
  return {
    name: 'fedadam',
    step({ adapter, moment1, moment2 }, { offset, length }, mean, { steps, beta1Power, beta2Power }) {
      checkLength(length, mean.length)
      const correction1 = biasCorrection ? 1 - beta1Power : 1
      const correction2 = biasCorrection ? 1 - beta2Power : 1
      const startsAtTau = steps === 1 && !biasCorrection
      for (let i = 0; i < length; i++) {
        const at = offset + i
        const delta = mean[i]!
        const m = beta1 * moment1[at]! + (1 - beta1) * delta
        const v = beta2 * (startsAtTau ? tau * tau : moment2[at]!) + (1 - beta2) * (delta * delta)
        const change = (learningRate * (m / correction1)) / (Math.sqrt(v / correction2) + tau)
        adapter[at] = stored(adapter[at]! + change, at)
        moment1[at] = stored(m, at)
        moment2[at] = stored(v, at)
      }
    },
    advance: ({ steps, beta1Power, beta2Power }) => ({
      steps: steps + 1,
      beta1Power: beta1Power * beta1,
      beta2Power: beta2Power * beta2
    })
  }
}

/** As a manifest names an optimizer. */
export type ServerOptimizerSettings =
  | { readonly name: 'fedavg'; readonly learningRate: number }
  | ({ readonly name: 'fedadam' } & FedAdamSettings)

/** @throws AggregationError BAD_SETTING */
export function serverOptimizerOf(settings: ServerOptimizerSettings): ServerOptimizer {
  return settings.name === 'fedavg' ? fedavg(settings) : fedadam(settings)
}

/** Rounded to float32; minus zero becomes zero, so that equal values have equal bytes. */
function stored(x: number, coordinate: number): number {
  const rounded = Math.fround(x) + 0
  if (!Number.isFinite(rounded)) throw new AggregationError('NON_FINITE', { coordinate })
  return rounded
}

function checkPositive(setting: string, got: number): void {
  if (!(got > 0 && Number.isFinite(got))) {
    throw new AggregationError('BAD_SETTING', { setting, got, expected: 'finite and > 0' })
  }
}

function checkDecay(setting: string, got: number): void {
  if (!(got >= 0 && got < 1))
    throw new AggregationError('BAD_SETTING', { setting, got, expected: '0 <= x < 1' })
}
