import type { Activation, Backend, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { KernelDevice } from './device.ts'
import { activateGradientKernel, activateKernel, gateGradientKernel, gateKernel } from './kernel-ids.ts'

type GateKernels = Pick<Backend, 'activate' | 'activateGradient' | 'gate' | 'gateGradient'>

/** By their number in assembly/activations.ts. */
const kinds: readonly Activation[] = ['silu', 'gelu', 'gelu-tanh', 'relu']

export function gateKernels(device: KernelDevice): GateKernels {
  const run = (
    kernel: number,
    kind: Activation,
    like: Tensor,
    to: number,
    from: number,
    ...others: number[]
  ) => {
    const elements = check.sizeOf(like.shape)
    device.runElements(kernel, elements, to, from, kinds.indexOf(kind), ...others)
  }
  return {
    activate(kind, x) {
      const from = device.at('activate', x)
      const y = device.make(x.shape)
      run(activateKernel, kind, x, device.at('activate', y), from)
      return y
    },

    activateGradient(kind, dy, x) {
      check.checkSame('activateGradient', dy, x)
      const [slope, from] = [device.at('activateGradient', dy), device.at('activateGradient', x)]
      const dx = device.make(x.shape)
      run(activateGradientKernel, kind, x, device.at('activateGradient', dx), slope, from)
      return dx
    },

    gate(kind, gate, up) {
      check.checkSame('gate', gate, up)
      const [left, right] = [device.at('gate', gate), device.at('gate', up)]
      const y = device.make(gate.shape)
      run(gateKernel, kind, gate, device.at('gate', y), left, right)
      return y
    },

    gateGradient(kind, dy, gate, up) {
      check.checkSame('gateGradient', dy, gate, up)
      const [slope, left, right] = [dy, gate, up].map(tensor => device.at('gateGradient', tensor))
      const [dGate, dUp] = device.makeAll([gate.shape, up.shape]) as [Tensor, Tensor]
      const [toGate, toUp] = [device.at('gateGradient', dGate), device.at('gateGradient', dUp)]
      run(gateGradientKernel, kind, gate, toGate, slope!, left!, right!, toUp)
      return { gate: dGate, up: dUp }
    }
  }
}
