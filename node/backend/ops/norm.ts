import type { Tape, Variable } from '../tape.ts'

/** Root-mean-square norm by rows: [n, d] -> [n, d]. @param gain - [d] */
export function rmsNorm(tape: Tape, x: Variable, gain: Variable, epsilon: number): Variable {
  const { backend } = tape
  const { y, inverse } = backend.rmsNorm(x.tensor, gain.tensor, epsilon)
  return tape.recordOne([x, gain], y, [inverse], dy => {
    if (gain.needsGradient) tape.give(gain, backend.rmsNormGainGradient(dy, x.tensor, inverse))
    if (x.needsGradient) tape.give(x, backend.rmsNormGradient(dy, x.tensor, gain.tensor, inverse))
  })
}

/** Layer norm by rows: [n, d] -> [n, d]. @param gain - [d] @param bias - [d] */
export function layerNorm(
  tape: Tape,
  x: Variable,
  gain: Variable,
  bias: Variable,
  epsilon: number
): Variable {
  const { backend } = tape
  const { y, mean, inverse } = backend.layerNorm(x.tensor, gain.tensor, bias.tensor, epsilon)
  return tape.recordOne([x, gain, bias], y, [mean, inverse], dy => {
    if (gain.needsGradient) tape.give(gain, backend.layerNormGainGradient(dy, x.tensor, mean, inverse))
    if (bias.needsGradient) tape.give(bias, backend.columnSums(dy))
    if (x.needsGradient) tape.give(x, backend.layerNormGradient(dy, x.tensor, gain.tensor, mean, inverse))
  })
}
