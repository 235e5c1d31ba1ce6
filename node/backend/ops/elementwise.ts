import type { Activation } from '../backend.ts'
import type { Tape, Variable } from '../tape.ts'

/** a + b of one shape. */
export function add(tape: Tape, a: Variable, b: Variable): Variable {
  return tape.recordOne([a, b], tape.backend.add(a.tensor, b.tensor), [], dy => {
    tape.give(a, tape.share(dy))
    tape.give(b, tape.share(dy))
  })
}

/** An element-wise function. */
export function activate(tape: Tape, kind: Activation, x: Variable): Variable {
  const { backend } = tape
  return tape.recordOne([x], backend.activate(kind, x.tensor), [], dy => {
    tape.give(x, backend.activateGradient(kind, dy, x.tensor))
  })
}

/** activation(gate) * up, both [n, d]. */
export function gate(tape: Tape, kind: Activation, gate: Variable, up: Variable): Variable {
  const { backend } = tape
  return tape.recordOne([gate, up], backend.gate(kind, gate.tensor, up.tensor), [], dy => {
    const gradients = backend.gateGradient(kind, dy, gate.tensor, up.tensor)
    tape.give(gate, gradients.gate)
    tape.give(up, gradients.up)
  })
}
