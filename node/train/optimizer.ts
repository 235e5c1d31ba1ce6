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
export class AdamW {
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

  /** Moves `parameters` [d] one step against `gradient` [d], in place. */
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
