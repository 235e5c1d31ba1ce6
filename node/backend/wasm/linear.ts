import type { Backend, MatmulOptions, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import { type KernelDevice, wordOf } from './device.ts'
import { columnsMax } from './kernel-control.ts'
import {
  accumulateKernel,
  addBiasKernel,
  addKernel,
  columnSumsKernel,
  matmulKernel,
  multiplyKernel
} from './kernel-ids.ts'

type LinearKernels = Pick<Backend, 'matmul' | 'addBias' | 'columnSums' | 'add' | 'multiply' | 'accumulate'>

export function linearKernels(device: KernelDevice): LinearKernels {
  const at = (kernel: string, tensor: Tensor) => device.at(kernel, tensor)

  const combine = (name: 'add' | 'multiply', kernel: number, a: Tensor, b: Tensor) => {
    check.checkSame(name, a, b)
    const [left, right] = [at(name, a), at(name, b)]
    const y = device.make(a.shape)
    device.runElements(kernel, check.sizeOf(a.shape), at(name, y), left, right)
    return y
  }

  return {
    matmul: (a, b, options = {}) => matmul(device, a, b, options),

    addBias(x, bias) {
      check.checkColumns('addBias', x, bias)
      const [rows, columns] = check.matrixShape('addBias', x)
      device.runRows(addBiasKernel, rows, columns, at('addBias', x), at('addBias', bias), rows, columns)
    },

    columnSums(x) {
      const [rows, columns] = check.matrixShape('columnSums', x)
      const from = at('columnSums', x)
      const y = device.make([columns])
      device.runColumns(columnSumsKernel, rows, columns, at('columnSums', y), from)
      return y
    },

    add: (a, b) => combine('add', addKernel, a, b),
    multiply: (a, b) => combine('multiply', multiplyKernel, a, b),

    accumulate(target, x, scale = 1) {
      check.checkSame('accumulate', target, x)
      const [to, from] = [at('accumulate', target), at('accumulate', x)]
      device.runElements(accumulateKernel, check.sizeOf(x.shape), to, from, wordOf(scale))
    }
  }
}

function matmul(device: KernelDevice, a: Tensor, b: Tensor, options: MatmulOptions): Tensor {
  const { m, inner, n } = check.matmulSizes(a, b, options)
  const { transposeA = false, transposeB = false, scale = 1, onto } = options
  const [left, right] = [device.at('matmul', a), device.at('matmul', b)]
  const product = onto ?? device.make([m, n])
  if (inner === 0) {
    if (onto === undefined) device.values('matmul', product).fill(0)
    return product
  }
  const { rows, columns } = taskOf(m, n, device.threads)
  const across = Math.ceil(n / columns)
  device.run(
    matmulKernel,
    across * Math.ceil(m / rows),
    m * n * inner,
    ...[device.at('matmul', product), left, right, m, n, inner, Number(transposeA), Number(transposeB)],
    ...[Number(onto !== undefined), wordOf(scale), rows, columns, across]
  )
  return product
}

/** Tasks for each thread: the last ones to finish then leave little time unused. */
const tasksPerThread = 4

/** Below so many columns the rows are shared out, and each task packs all of B. */
const columnsSharedMin = 32

/**
 * The block of the product that a task computes. Blocks span all rows where they can, since each task packs its columns
 * of B. How it is cut does not show in the result.
 */
function taskOf(m: number, n: number, threads: number): { rows: number; columns: number } {
  const share = (length: number, step: number) =>
    Math.ceil(length / (threads === 1 ? 1 : threads * tasksPerThread) / step) * step
  if (n >= columnsSharedMin) return { rows: m, columns: Math.min(columnsMax, Math.max(16, share(n, 8))) }
  return { rows: Math.max(12, share(m, 12)), columns: n }
}
