import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import type { Backend, HeadShape } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { Tfjs, TfjsDevice } from './tfjs-device.ts'

export function rotaryKernels(device: TfjsDevice): Pick<Backend, 'rotate'> {
  const { tf } = device
  return {
    rotate: (x, shape, tables, direction) =>
      device.run('rotate', run => {
        const half = check.rotaryHalf('rotate', x, shape, tables)
        const { batch, headCount, headSize } = shape
        // As large as x: broadcasting over sequences and heads would cost more than all the arithmetic.
        const wide = (kind: 'cos' | 'sin') =>
          run.derived(tables[kind], `${kind} ${batch} ${headCount} ${headSize}`, table =>
            wideTable(tf, table, kind, shape)
          )
        const values = run.input(x)
        const swapped = tf.reshape(swapHalves(tf, values, shape, half), x.shape as [number, number])
        const kept = tf.mul(values, wide('cos'))
        const moved = tf.mul(swapped, wide('sin'))
        run.replace(x, direction === 1 ? tf.add(kept, moved) : tf.sub(kept, moved))
      })
  }
}

/** The elements of each pair change places; the rest stays. */
function swapHalves(
  tf: Tfjs,
  x: Tensor,
  { batch, time, headCount, headSize }: HeadShape,
  half: number
): Tensor {
  const heads = batch * time * headCount
  const rest = headSize - 2 * half
  if (rest === 0) return tf.reverse(tf.reshape(x, [heads, 2, half]), 1)
  const [first, second, others] = tf.split(tf.reshape(x, [heads, headSize]), [half, half, rest], 1)
  return tf.concat([second!, first!, others!], 1)
}

/**
 * What activations and their swapped selves are multiplied by, [batch * time, headCount * headSize]: cosines, 1 where
 * nothing is rotated; sines, negative in the first half of each head, 0 where nothing is rotated.
 */
function wideTable(tf: Tfjs, table: Tensor, kind: 'cos' | 'sin', shape: HeadShape): Tensor {
  const { batch, time, headCount, headSize } = shape
  const half = table as Tensor2D
  const parts = [kind === 'cos' ? half : tf.neg(half), half]
  const rest = headSize - 2 * half.shape[1]
  if (rest > 0) parts.push(kind === 'cos' ? tf.ones([time, rest]) : tf.zeros([time, rest]))
  return tf.tile(tf.concat(parts, 1), [batch, headCount])
}
