import { TrainError } from './errors.ts'
import type { OptimizerSettings } from './trainer.ts'

/** Moves a flat vector against its gradient, and remembers what it needs for the next step. */
export interface Optimizer {
  /** Steps taken. */
  readonly steps: number
  /** What it remembers, by name, [d] each: its own arrays, which change with every step. */
  readonly moments: Readonly<Record<string, Float32Array>>
  /** Moves `parameters` [d] one step against `gradient` [d], in place. */
  step(parameters: Float32Array, gradient: Float32Array, learningRate: number): void
  /** Goes on from where another one of the same settings was. @throws RangeError if the moments are not of that kind or size */
  restore(steps: number, moments: Readonly<Record<string, Float32Array>>): void
}

/** Settings of AdamW. */
export interface AdamWOptions {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled: each step multiplies a decayed weight by 1 - learningRate * weightDecay. */
  readonly weightDecay: number
  /** Elements from the start of the vector that are decayed; all by default. */
  readonly decayedLength?: number
}

export const adamWDefaults: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 }

/**
 * AdamW on a flat vector. Source: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2 (bias-corrected moments,
 * decay apart from the gradient), with PyTorch's convention that the decay is scaled by the learning rate.
 */
export class AdamW implements Optimizer {
  /** First moment, [d]. */
  readonly mean: Float32Array
  /** Second moment, [d]. */
  readonly square: Float32Array
  steps = 0
  private readonly options: AdamWOptions

  constructor(length: number, options: AdamWOptions) {
    this.mean = new Float32Array(length)
    this.square = new Float32Array(length)
    this.options = options
  }

  get moments(): Readonly<Record<string, Float32Array>> {
    return { mean: this.mean, square: this.square }
  }

  step(parameters: Float32Array, gradient: Float32Array, learningRate: number): void {
    const { beta1, beta2, epsilon, weightDecay, decayedLength = parameters.length } = this.options
    const { mean, square } = this
    this.steps++
    const rate = learningRate / (1 - beta1 ** this.steps)
    const squareCorrection = 1 / (1 - beta2 ** this.steps)
    const keep = 1 - learningRate * weightDecay
    for (let i = 0; i < parameters.length; i++) {
      const g = gradient[i]!
      const m = beta1 * mean[i]! + (1 - beta1) * g
      const v = beta2 * square[i]! + (1 - beta2) * g * g
      mean[i] = m
      square[i] = v
      const kept = i < decayedLength ? parameters[i]! * keep : parameters[i]!
      parameters[i] = kept - (rate * m) / (Math.sqrt(v * squareCorrection) + epsilon)
    }
  }

  restore(steps: number, moments: Readonly<Record<string, Float32Array>>): void {
    copyMoments(moments, this.moments)
    this.steps = steps
  }
}

/** Settings of SGD. */
export interface SgdOptions {
  /** Share of the last step's direction that the next one keeps; 0 is plain gradient descent. In [0, 1). */
  readonly momentum: number
  /** Added to the gradient, times the weight. */
  readonly weightDecay: number
}

/**
 * Stochastic gradient descent with momentum, as PyTorch has it: u = momentum u + g + weightDecay w, w = w - learningRate u.
 * Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods".
 */
export class Sgd implements Optimizer {
  /** [d] */
  readonly velocity: Float32Array
  steps = 0
  private readonly options: SgdOptions

  constructor(length: number, options: SgdOptions) {
    this.velocity = new Float32Array(length)
    this.options = options
  }

  get moments(): Readonly<Record<string, Float32Array>> {
    return { velocity: this.velocity }
  }

  step(parameters: Float32Array, gradient: Float32Array, learningRate: number): void {
    const { momentum, weightDecay } = this.options
    const { velocity } = this
    this.steps++
    for (let i = 0; i < parameters.length; i++) {
      const u = momentum * velocity[i]! + gradient[i]! + weightDecay * parameters[i]!
      velocity[i] = u
      parameters[i]! -= learningRate * u
    }
  }

  restore(steps: number, moments: Readonly<Record<string, Float32Array>>): void {
    copyMoments(moments, this.moments)
    this.steps = steps
  }
}

/**
 * A fresh optimizer for `length` weights.
 * @throws TrainError BAD_JOB for settings that it cannot have
 */
export function createOptimizer(settings: OptimizerSettings, length: number, weightDecay: number): Optimizer {
  if (settings.name === 'sgd') {
    const { momentum = 0 } = settings
    return new Sgd(length, { momentum: checked('momentum', momentum, isShare(momentum)), weightDecay })
  }
  const {
    beta1 = adamWDefaults.beta1,
    beta2 = adamWDefaults.beta2,
    epsilon = adamWDefaults.epsilon
  } = settings
  return new AdamW(length, {
    beta1: checked('beta1', beta1, isShare(beta1)),
    beta2: checked('beta2', beta2, isShare(beta2)),
    epsilon: checked('epsilon', epsilon, epsilon >= 0),
    weightDecay
  })
}

/**
 * Scales `gradient` in place so that its Euclidean norm is at most `maxNorm` (Pascanu et al. 2013, arXiv:1211.5063).
 * @returns the norm before
 */
export function clipGradient(gradient: Float32Array, maxNorm: number): number {
  let sum = 0
  for (const g of gradient) sum += g * g
  const norm = Math.sqrt(sum)
  if (norm > maxNorm) {
    const scale = maxNorm / norm
    for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale
  }
  return norm
}

function copyMoments(
  from: Readonly<Record<string, Float32Array>>,
  to: Readonly<Record<string, Float32Array>>
): void {
  for (const [name, values] of Object.entries(to)) {
    if (from[name]?.length !== values.length)
      throw new RangeError(
        `expected ${values.length} values of the moment ${name}, got ${from[name]?.length}`
      )
    values.set(from[name])
  }
}

function isShare(value: number): boolean {
  return value >= 0 && value < 1
}

function checked(field: string, got: number, isMet: boolean): number {
  if (isMet) return got
  const expected = field === 'epsilon' ? 'at least 0' : 'from 0 to below 1'
  throw new TrainError('BAD_JOB', { field, got, expected }, `${field} is ${got}, expected ${expected}`)
}
