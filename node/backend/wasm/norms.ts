import type { Backend, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import { type KernelDevice, wordOf } from './device.ts'
import {
  layerNormGradientKernel,
  layerNormKernel,
  normGainGradientKernel,
  rmsNormGradientKernel,
  rmsNormKernel
} from './kernel-ids.ts'

type NormKernels = Pick<
  Backend,
  | 'rmsNorm'
  | 'rmsNormGradient'
  | 'rmsNormGainGradient'
  | 'layerNorm'
  | 'layerNormGradient'
  | 'layerNormGainGradient'
>

export function normKernels(device: KernelDevice): NormKernels {
  const places = (kernel: string, ...tensors: readonly Tensor[]) =>
    tensors.map(tensor => device.at(kernel, tensor))

  return {
    rmsNorm(x, gain, epsilon) {
      const [rows, columns] = check.checkRuns('rmsNorm', x, gain)
      const inputs = places('rmsNorm', x, gain)
      const [y, inverse] = device.makeAll([x.shape, [rows]]) as [Tensor, Tensor]
      const [to, scale] = places('rmsNorm', y, inverse)
      device.runRows(rmsNormKernel, rows, columns, to!, ...inputs, scale!, rows, columns, wordOf(epsilon))
      return { y, inverse }
    },

    rmsNormGradient(dy, x, gain, inverse) {
      check.checkSame('rmsNormGradient', dy, x)
      const [rows, columns] = check.checkRuns('rmsNormGradient', x, gain)
      check.checkRows('rmsNormGradient', { shape: [rows, columns] }, inverse)
      const [scale, ...inputs] = places('rmsNormGradient', inverse, dy, x, gain)
      const dx = device.make(x.shape)
      const to = device.at('rmsNormGradient', dx)
      device.runRows(rmsNormGradientKernel, rows, columns, to, ...inputs, rows, columns, scale!)
      return dx
    },

    rmsNormGainGradient(dy, x, inverse) {
      check.checkSame('rmsNormGainGradient', dy, x)
      const rows = inverse.shape[0]!
      const columns = check.sizeOf(x.shape) / rows
      if (!Number.isInteger(x.shape[1]! / columns)) throw check.misfit('rmsNormGainGradient', x, inverse)
      const [slope, values, scale] = places('rmsNormGainGradient', dy, x, inverse)
      const dGain = device.make([columns])
      const to = device.at('rmsNormGainGradient', dGain)
      device.runColumns(normGainGradientKernel, rows, columns, to, slope!, values!, 0, scale!)
      return dGain
    },

    layerNorm(x, gain, bias, epsilon) {
      check.checkColumns('layerNorm', x, gain, bias)
      const [rows, columns] = check.matrixShape('layerNorm', x)
      const [from, factor, offset] = places('layerNorm', x, gain, bias)
      const [y, mean, inverse] = device.makeAll([x.shape, [rows], [rows]]) as [Tensor, Tensor, Tensor]
      const [to, centre, scale] = places('layerNorm', y, mean, inverse)
      const words = [to!, from!, factor!, scale!, rows, columns, wordOf(epsilon), offset!, centre!]
      device.runRows(layerNormKernel, rows, columns, ...words)
      return { y, mean, inverse }
    },

    layerNormGradient(dy, x, gain, mean, inverse) {
      check.checkSame('layerNormGradient', dy, x)
      check.checkColumns('layerNormGradient', x, gain)
      check.checkRows('layerNormGradient', x, mean, inverse)
      const [rows, columns] = check.matrixShape('layerNormGradient', x)
      const [centre, scale, ...inputs] = places('layerNormGradient', mean, inverse, dy, x, gain)
      const dx = device.make(x.shape)
      const to = device.at('layerNormGradient', dx)
      device.runRows(layerNormGradientKernel, rows, columns, to, ...inputs, rows, columns, scale!, centre!)
      return dx
    },

    layerNormGainGradient(dy, x, mean, inverse) {
      check.checkSame('layerNormGainGradient', dy, x)
      check.checkRows('layerNormGainGradient', x, mean, inverse)
      const [rows, columns] = check.matrixShape('layerNormGainGradient', x)
      const [slope, values, centre, scale] = places('layerNormGainGradient', dy, x, mean, inverse)
      const dGain = device.make([columns])
      const to = device.at('layerNormGainGradient', dGain)
      device.runColumns(normGainGradientKernel, rows, columns, to, slope!, values!, centre!, scale!)
      return dGain
    }
  }
}
