import type { Backend, Tensor } from './backend.ts'

/** A tensor in a computation, and whether the loss's gradient to it is wanted. */
export class Variable {
  readonly tensor: Tensor
  readonly needsGradient: boolean

  constructor(tensor: Tensor, needsGradient: boolean) {
    this.tensor = tensor
    this.needsGradient = needsGradient
  }
}

/** A value that stays as it is: a frozen weight. The caller owns the tensor. */
export function constant(tensor: Tensor): Variable {
  return new Variable(tensor, false)
}

/** A value whose gradient is wanted. The caller owns the tensor. */
export function parameter(tensor: Tensor): Variable {
  return new Variable(tensor, true)
}

/**
 * Hands on gradients, given those of the outputs in order (null where none arrived). They are freed afterwards: what is
 * handed on as it is goes through `tape.share`.
 */
type Backward = (dOutputs: ReadonlyArray<Tensor | null>) => void

interface Step {
  readonly outputs: readonly Variable[]
  readonly saved: readonly Tensor[]
  readonly backward: Backward
}

/** Keep every activation, keep only what enters each layer and compute the rest again, or keep nothing (no gradients). */
export type TapeMode = 'record' | 'checkpoint' | 'forward'

/**
 * Reverse-mode differentiation over a backend's kernels. An operation computes its outputs and notes how to go back;
 * `backward` walks the notes in reverse and frees each operation's tensors as it passes, so that the memory held falls
 * from then on. The tape owns what operations give it, until `dispose`.
 */
export class Tape {
  readonly backend: Backend
  readonly mode: TapeMode
  private readonly steps: Step[] = []
  /** Of outputs that no step will free: nobody needs their gradient. */
  private readonly loose: Tensor[] = []
  private readonly gradients = new Map<Variable, Tensor>()
  /** Holders of a gradient beyond the first. */
  private readonly shares = new Map<Tensor, number>()

  constructor(backend: Backend, mode: TapeMode) {
    this.backend = backend
    this.mode = mode
  }

  /** Whether an operation on these inputs has to note how to go back. */
  needsGradient(inputs: ReadonlyArray<Variable | null | undefined>): boolean {
    return this.mode !== 'forward' && inputs.some(input => input?.needsGradient === true)
  }

  /**
   * Takes over an operation's outputs.
   * @param inputs - all variables that the outputs depend on
   * @param saved - tensors besides inputs and outputs that `backward` reads; taken over
   */
  record(
    inputs: ReadonlyArray<Variable | null | undefined>,
    outputs: readonly Tensor[],
    saved: readonly Tensor[],
    backward: Backward
  ): Variable[] {
    const needsGradient = this.needsGradient(inputs)
    const variables = outputs.map(tensor => new Variable(tensor, needsGradient))
    if (needsGradient) this.steps.push({ outputs: variables, saved, backward })
    else {
      for (const tensor of saved) this.backend.free(tensor)
      this.loose.push(...outputs)
    }
    return variables
  }

  /** As `record`, with one output. */
  recordOne(
    inputs: ReadonlyArray<Variable | null | undefined>,
    output: Tensor,
    saved: readonly Tensor[],
    backward: (dy: Tensor) => void
  ): Variable {
    return this.record(inputs, [output], saved, ([dy]) => backward(dy!))[0]!
  }

  /** The same tensor for one holder more. */
  share(tensor: Tensor): Tensor {
    this.shares.set(tensor, (this.shares.get(tensor) ?? 0) + 1)
    return tensor
  }

  /** Adds to the gradient of a variable that needs one. Takes the tensor over. */
  give(variable: Variable, gradient: Tensor): void {
    if (!variable.needsGradient) return this.release(gradient)
    const before = this.gradients.get(variable)
    if (before === undefined) {
      this.gradients.set(variable, gradient)
    } else if (this.shares.has(before)) {
      this.gradients.set(variable, this.backend.add(before, gradient))
      this.release(before)
      this.release(gradient)
    } else {
      this.backend.accumulate(before, gradient)
      this.release(gradient)
    }
  }

  /** Goes back through everything recorded. @param dy - the gradient of `output`; taken over */
  backward(output: Variable, dy: Tensor): void {
    this.give(output, dy)
    for (;;) {
      const step = this.steps.pop()
      if (step === undefined) break
      const dOutputs = step.outputs.map(variable => this.pop(variable))
      try {
        if (dOutputs.some(dOutput => dOutput !== null)) step.backward(dOutputs)
      } finally {
        for (const dOutput of dOutputs) if (dOutput !== null) this.release(dOutput)
        this.freeStep(step)
      }
    }
  }

  /** The gradient that arrived at a variable, or null. The caller owns it from then on. */
  take(variable: Variable): Tensor | null {
    const gradient = this.pop(variable)
    // Other variables may hold the very same tensor: each caller gets its own.
    if (gradient === null || !this.shares.has(gradient)) return gradient
    const own = this.copy(gradient)
    this.release(gradient)
    return own
  }

  /** As `take`, but the tensor may be shared: it goes through `release`. */
  private pop(variable: Variable): Tensor | null {
    const gradient = this.gradients.get(variable)
    if (gradient === undefined) return null
    this.gradients.delete(variable)
    return gradient
  }

  private copy(tensor: Tensor): Tensor {
    if (tensor.shape.length === 2) return this.backend.joinRows([tensor])
    const copy = this.backend.zeros(tensor.shape)
    this.backend.accumulate(copy, tensor)
    return copy
  }

  /** Variables whose gradient nobody has taken: parameters, and what was computed elsewhere. */
  private leftover(): Variable[] {
    return [...this.gradients.keys()]
  }

  /**
   * Runs one layer of a network, which alone may use `input` from then on. Without gradients nothing but its output
   * outlives it; when checkpointing, its input does too, and it is run again on the way back (Chen et al. 2016,
   * arXiv:1604.06174), so `body` must do the same twice.
   */
  layer(input: Variable, body: (tape: Tape, input: Variable) => Variable): Variable {
    if (this.mode === 'record') return body(this, input)
    const first = new Tape(this.backend, 'forward')
    let output: Tensor
    try {
      output = first.detach(body(first, input))
    } finally {
      first.dispose()
    }
    if (this.mode === 'forward') {
      const at = this.loose.indexOf(input.tensor)
      if (at !== -1) this.backend.free(this.loose.splice(at, 1)[0]!)
      return this.recordOne([], output, [], () => {})
    }
    // The layer's own parameters are not known here, so its output counts as needing a gradient in any case.
    const result = new Variable(output, true)
    this.steps.push({
      outputs: [result],
      saved: [],
      backward: ([dy]) => this.layerBackward(input, body, dy!)
    })
    return result
  }

  /** Frees what is left: recorded steps, gradients that nobody took. */
  dispose(): void {
    for (const step of this.steps.splice(0)) this.freeStep(step)
    for (const gradient of this.gradients.values()) this.release(gradient)
    this.gradients.clear()
    for (const tensor of this.loose.splice(0)) this.backend.free(tensor)
  }

  private layerBackward(input: Variable, body: (tape: Tape, input: Variable) => Variable, dy: Tensor): void {
    const inner = new Tape(this.backend, 'record')
    try {
      const again = inner.layer(input, body)
      inner.backward(again, this.copy(dy))
      for (const variable of inner.leftover()) this.give(variable, inner.take(variable)!)
    } finally {
      inner.dispose()
    }
  }

  /** Takes an output of this tape out of its ownership. */
  private detach(variable: Variable): Tensor {
    const at = this.loose.indexOf(variable.tensor)
    if (at === -1) throw new RangeError('expected an output of a layer to be computed by the layer')
    this.loose.splice(at, 1)
    return variable.tensor
  }

  private release(tensor: Tensor): void {
    const others = this.shares.get(tensor)
    if (others === undefined) this.backend.free(tensor)
    else if (others === 1) this.shares.delete(tensor)
    else this.shares.set(tensor, others - 1)
  }

  private freeStep({ outputs, saved }: Step): void {
    for (const { tensor } of outputs) this.release(tensor)
    for (const tensor of saved) this.release(tensor)
  }
}
