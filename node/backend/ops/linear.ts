import type { Tensor } from '../backend.ts'
import type { Tape, Variable } from '../tape.ts'

/** A low-rank product beside a weight: its output is scale (mask x) aᵀ bᵀ. Hu et al. 2021, arXiv:2106.09685. */
export interface LowRank {
  /** [rank, in] */
  readonly a: Variable
  /** [out, rank] */
  readonly b: Variable
  readonly scale: number
  /** Dropout: [n, in], 0 or 1 / (1 - p); null without. The operation frees it. */
  readonly mask: Tensor | null
}

/**
 * y = x Wᵀ + bias + low-rank product: [n, in] -> [n, out]. Gradients are computed only where they are needed, so that
 * frozen weights cost nothing on the way back.
 * @param weight - [out, in]
 * @param bias - [out]
 */
export function linear(
  tape: Tape,
  x: Variable,
  weight: Variable,
  bias: Variable | null = null,
  lowRank: LowRank | null = null
): Variable {
  const { backend } = tape
  const y = backend.matmul(x.tensor, weight.tensor, { transposeB: true })
  if (bias !== null) backend.addBias(y, bias.tensor)
  const branch = lowRank === null ? null : new LowRankBranch(tape, x, lowRank)
  branch?.addTo(y)
  const inputs = [x, weight, bias, lowRank?.a, lowRank?.b]
  return tape.recordOne(inputs, y, branch?.saved ?? [], dy => {
    if (bias?.needsGradient === true) tape.give(bias, backend.columnSums(dy))
    if (weight.needsGradient) tape.give(weight, backend.matmul(dy, x.tensor, { transposeA: true }))
    const dx = x.needsGradient ? backend.matmul(dy, weight.tensor) : null
    branch?.backward(dy, dx)
    if (dx !== null) tape.give(x, dx)
  })
}

class LowRankBranch {
  readonly saved: readonly Tensor[]
  private readonly tape: Tape
  private readonly factors: LowRank
  /** What enters the branch, [n, in]. */
  private readonly entering: Tensor
  /** entering aᵀ, [n, rank]. */
  private readonly inner: Tensor

  constructor(tape: Tape, x: Variable, factors: LowRank) {
    const { backend } = tape
    this.tape = tape
    this.factors = factors
    const { a, mask } = factors
    this.entering = mask === null ? x.tensor : backend.multiply(x.tensor, mask)
    this.inner = backend.matmul(this.entering, a.tensor, { transposeB: true })
    this.saved = mask === null ? [this.inner] : [this.inner, this.entering, mask]
  }

  addTo(y: Tensor): void {
    const { b, scale } = this.factors
    this.tape.backend.matmul(this.inner, b.tensor, { transposeB: true, scale, onto: y })
  }

  /** @param dx - [n, in], to which the branch's part is added; null if it is not wanted */
  backward(dy: Tensor, dx: Tensor | null): void {
    const { tape, factors } = this
    const { a, b, scale, mask } = factors
    const { backend } = tape
    if (b.needsGradient) tape.give(b, backend.matmul(dy, this.inner, { transposeA: true, scale }))
    if (!a.needsGradient && dx === null) return
    const dInner = backend.matmul(dy, b.tensor, { scale })
    if (a.needsGradient) tape.give(a, backend.matmul(dInner, this.entering, { transposeA: true }))
    if (dx !== null) this.addInputGradient(dInner, dx, a.tensor, mask)
    backend.free(dInner)
  }

  private addInputGradient(dInner: Tensor, dx: Tensor, a: Tensor, mask: Tensor | null): void {
    const { backend } = this.tape
    if (mask === null) {
      backend.matmul(dInner, a, { onto: dx })
      return
    }
    const dEntering = backend.matmul(dInner, a)
    const masked = backend.multiply(dEntering, mask)
    backend.accumulate(dx, masked)
    backend.free(dEntering)
    backend.free(masked)
  }
}
