import type { AttentionShape, Backend, HeadShape, Past, Tensor } from '../backend.ts'
import { BackendError } from '../errors.ts'
import * as check from '../shape-checks.ts'
import { type KernelDevice, wordOf } from './device.ts'
import { attentionBlock, headSizeMax } from './kernel-control.ts'
import { attentionGradientKernel, attentionKernel, foldHeadsKernel, rotateKernel } from './kernel-ids.ts'

type AttentionKernels = Pick<Backend, 'rotate' | 'attention' | 'attentionGradient'>

export function attentionKernels(device: KernelDevice): AttentionKernels {
  return {
    rotate(x, shape, tables, direction) {
      const half = check.rotaryHalf('rotate', x, shape, tables)
      const { batch, time, headCount, headSize } = shape
      const [to, cos, sin] = [x, tables.cos, tables.sin].map(tensor => device.at('rotate', tensor))
      const rows = batch * time
      const words = [to!, cos!, sin!, rows, time, headCount, headSize, half, wordOf(direction)]
      device.runRows(rotateKernel, rows, headCount * headSize, ...words)
    },

    attention(q, k, v, shape, past) {
      checkAttention('attention', q, k, v, shape, past)
      const { batch, time, headCount } = shape
      const inputs = inputWords(device, 'attention', q, k, v, past)
      const [y, logSums] = device.makeAll([q.shape, logSumsShape(shape)]) as [Tensor, Tensor]
      device.run(
        attentionKernel,
        batch * headCount * Math.ceil(time / attentionBlock),
        workOf(shape, past),
        ...shapeWords(shape, past),
        ...inputs,
        device.at('attention', logSums),
        device.at('attention', y)
      )
      return { y, saved: [logSums] }
    },

    attentionGradient: (dy, q, k, v, y, saved, shape, past) => {
      checkAttention('attentionGradient', q, k, v, shape, past)
      check.checkSame('attentionGradient', q, dy, y)
      const logSums = saved[0]!
      if (!check.isSameShape(logSums.shape, logSumsShape(shape)))
        throw check.misfit('attentionGradient', q, logSums)
      return gradient(device, [dy, q, k, v, y, logSums], shape, past)
    }
  }
}

function checkAttention(
  kernel: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  shape: AttentionShape,
  past: Past | undefined
): void {
  check.checkAttention(kernel, q, k, v, shape, past)
  const { headSize } = shape
  if (headSize <= headSizeMax) return
  const message = `${kernel}: heads of ${headSize} elements are larger than the ${headSizeMax} that the backend wasm takes: use another backend`
  throw new BackendError('BAD_SHAPE', { kernel, shapes: [q.shape, k.shape] }, message)
}

function logSumsShape({ batch, headCount, time }: HeadShape): number[] {
  return [batch * headCount * time]
}

function gradient(
  device: KernelDevice,
  [dy, q, k, v, y, logSums]: [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor],
  shape: AttentionShape,
  past: Past | undefined
): ReturnType<Backend['attentionGradient']> {
  const kernel = 'attentionGradient'
  const { batch, time, headCount, headSize, keyValueHeadCount } = shape
  const [width, group] = [headCount * headSize, headCount / keyValueHeadCount]
  const inputs = [
    ...inputWords(device, kernel, q, k, v, past),
    ...[logSums, y, dy].map(x => device.at(kernel, x))
  ]
  const pastLength = past?.shared ? past.length : 0
  // Heads that share keys, and sequences that share a past, each write a gradient of their own; then these are added up.
  const own = group > 1 ? batch * time : 0
  const ofPast = batch * group > 1 ? batch * pastLength : 0
  return device.borrowing([own * width, own * width, ofPast * width, ofPast * width], parts => {
    const [dq, ...results] = device.makeAll([
      q.shape,
      ...[k.shape, v.shape],
      ...(past?.shared ? [past.keys.shape, past.values.shape] : [])
    ])
    const folded = results.map((_, i) => (i < 2 ? own : ofPast) > 0)
    const targets = results.map((result, i) => (folded[i] ? parts[i]! : device.at(kernel, result)))
    device.run(
      attentionGradientKernel,
      batch * headCount,
      3 * workOf(shape, past),
      ...[...shapeWords(shape, past), ...inputs, device.at(kernel, dq!)],
      ...[0, 1, 2, 3].map(i => targets[i] ?? 0)
    )
    for (const [i, result] of results.entries()) {
      if (!folded[i]) continue
      const [rows, sequences] = i < 2 ? [batch * time, 1] : [pastLength, batch]
      const words = [rows, keyValueHeadCount, group, headSize, sequences]
      device.runRows(foldHeadsKernel, rows, width * sequences, device.at(kernel, result), parts[i]!, ...words)
    }
    const [dk, dv, keys, values] = results
    return { q: dq!, k: dk!, v: dv!, past: keys && values ? { keys, values } : null }
  })
}

/** Elements of q, k and v are multiplied so often; half of the scores lie above the diagonal. */
function workOf({ batch, time, headCount, headSize }: HeadShape, past: Past | undefined): number {
  return batch * headCount * headSize * time * (time + 2 * (past?.length ?? 0))
}

function shapeWords(shape: AttentionShape, past: Past | undefined): number[] {
  const { time, headCount, keyValueHeadCount, headSize, window, scale } = shape
  const ofPast = [past?.length ?? 0, Number(past?.shared ?? false)]
  return [time, headCount, keyValueHeadCount, headSize, window ?? 0, wordOf(scale), ...ofPast]
}

function inputWords(
  device: KernelDevice,
  kernel: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  past: Past | undefined
): number[] {
  const ofPast = past ? [device.at(kernel, past.keys), device.at(kernel, past.values)] : [0, 0]
  return [...[q, k, v].map(tensor => device.at(kernel, tensor)), ...ofPast]
}
