import type { Backend } from '../backend.ts'
import * as check from '../shape-checks.ts'
import { type KernelDevice, wordOf } from './device.ts'
import { crossEntropyKernel } from './kernel-ids.ts'

export function lossKernels(device: KernelDevice): Pick<Backend, 'crossEntropy'> {
  return {
    crossEntropy(logits, targets, gradientScale) {
      const [rows, columns] = check.checkTargets('crossEntropy', logits, targets)
      const from = device.at('crossEntropy', logits)
      return device.withIndices(targets, at => {
        const nats = device.make([rows])
        const words = [device.at('crossEntropy', nats), from, at, rows, columns]
        const wanted = [wordOf(gradientScale ?? 0), Number(gradientScale !== null)]
        device.runRows(crossEntropyKernel, rows, columns, ...words, ...wanted)
        return nats
      })
    }
  }
}
