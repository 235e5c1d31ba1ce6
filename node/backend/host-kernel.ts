import * as tf from '@tensorflow/tfjs'

/** What the wasm backend offers its own kernels: outputs on its heap, and views of it. */
interface WasmHeap extends tf.KernelBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array
}

/**
 * Computes tensors in JavaScript from the values of others. On the wasm backend the arrays are views of its heap, so
 * nothing is copied; elsewhere values are read and written. One pass in JavaScript beats a chain of tfjs operations
 * where those would each walk the whole tensor (norms, gathers, layout changes).
 * @param inputs - float32 tensors, read only
 * @param shapes - of the results
 * @param compute - must write every element of every output: they are not zeroed
 */
export function hostKernel(
  inputs: readonly tf.Tensor[],
  shapes: ReadonlyArray<readonly number[]>,
  compute: (inputs: Float32Array[], outputs: Float32Array[]) => void
): tf.Tensor[] {
  if (tf.getBackend() === 'wasm') {
    const heap = tf.backend() as WasmHeap
    // All outputs before the first view: an allocation can grow the heap, which detaches earlier views.
    const infos = shapes.map(shape => heap.makeOutput([...shape], 'float32'))
    compute(
      inputs.map(tensor => heap.typedArrayFromHeap(tensor)),
      infos.map(info => heap.typedArrayFromHeap(info))
    )
    return infos.map(info => tf.engine().makeTensorFromTensorInfo(info))
  }
  const outputs = shapes.map(shape => new Float32Array(tf.util.sizeFromShape([...shape])))
  compute(
    inputs.map(tensor => tensor.dataSync<'float32'>()),
    outputs
  )
  return outputs.map((values, i) => tf.tensor(values, [...shapes[i]!]))
}

/** As `hostKernel` with one result. */
export function hostTensor<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  shape: readonly number[],
  compute: (inputs: Float32Array[], output: Float32Array) => void
): T {
  return hostKernel(inputs, [shape], (views, outputs) => compute(views, outputs[0]!))[0] as T
}

/** Reads a tensor without copying where the backend allows; the view is valid only inside `use`. */
export function withValues<R>(tensor: tf.Tensor, use: (values: Float32Array) => R): R {
  if (tf.getBackend() === 'wasm') return use((tf.backend() as WasmHeap).typedArrayFromHeap(tensor))
  return use(tensor.dataSync<'float32'>())
}
