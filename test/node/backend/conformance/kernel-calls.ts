import type { Activation, Backend, Shape, Tensor } from '../../../../node/backend/backend.ts'

/** One call of a kernel on inputs of given shapes. */
export interface KernelCall {
  readonly kernel: string
  readonly inputs: readonly Shape[]
  /** @returns the tensors that it made */
  run(backend: Backend, inputs: readonly Tensor[]): readonly Tensor[]
}

const heads = { batch: 2, time: 3, headCount: 4, headSize: 6 }
const attended = { ...heads, keyValueHeadCount: 2, scale: 0.4, window: null }
const kind: Activation = 'silu'
const activations: Shape = [6, 24]
const keys: Shape = [6, 12]
const matrix: Shape = [3, 5]
const row: Shape = [5]
const column: Shape = [3]
const indices = Int32Array.of(2, 0, 2)

/** Every kernel at least once, with everything that it can be given. */
export const kernelCalls: readonly KernelCall[] = [
  { kernel: 'matmul', inputs: [matrix, [5, 7]], run: (b, [x, y]) => [b.matmul(x!, y!)] },
  {
    kernel: 'matmul onto',
    inputs: [matrix, [7, 5], [3, 7]],
    run(b, [x, y, onto]) {
      b.matmul(x!, y!, { transposeB: true, scale: 2, onto: onto! })
      return []
    }
  },
  {
    kernel: 'addBias',
    inputs: [matrix, row],
    run(b, [x, bias]) {
      b.addBias(x!, bias!)
      return []
    }
  },
  { kernel: 'columnSums', inputs: [matrix], run: (b, [x]) => [b.columnSums(x!)] },
  { kernel: 'add', inputs: [matrix, matrix], run: (b, [x, y]) => [b.add(x!, y!)] },
  { kernel: 'multiply', inputs: [matrix, matrix], run: (b, [x, y]) => [b.multiply(x!, y!)] },
  {
    kernel: 'accumulate',
    inputs: [matrix, matrix],
    run(b, [x, y]) {
      b.accumulate(x!, y!, 0.5)
      return []
    }
  },
  { kernel: 'gather', inputs: [matrix], run: (b, [table]) => [b.gather(table!, indices)] },
  { kernel: 'gatherGradient', inputs: [matrix], run: (b, [dy]) => [b.gatherGradient(dy!, indices, 4)] },
  { kernel: 'splitColumns', inputs: [matrix], run: (b, [x]) => b.splitColumns(x!, [2, 3]) },
  { kernel: 'joinColumns', inputs: [matrix, [3, 2]], run: (b, parts) => [b.joinColumns(parts)] },
  { kernel: 'joinRows', inputs: [matrix, [2, 5]], run: (b, parts) => [b.joinRows(parts)] },
  {
    kernel: 'rmsNorm',
    inputs: [matrix, row],
    run: (b, [x, gain]) => Object.values(b.rmsNorm(x!, gain!, 1e-5))
  },
  {
    kernel: 'rmsNormGradient',
    inputs: [matrix, matrix, row, column],
    run: (b, [dy, x, gain, inverse]) => [b.rmsNormGradient(dy!, x!, gain!, inverse!)]
  },
  {
    kernel: 'rmsNormGainGradient',
    inputs: [matrix, matrix, column],
    run: (b, [dy, x, inverse]) => [b.rmsNormGainGradient(dy!, x!, inverse!)]
  },
  {
    kernel: 'layerNorm',
    inputs: [matrix, row, row],
    run: (b, [x, gain, bias]) => Object.values(b.layerNorm(x!, gain!, bias!, 1e-5))
  },
  {
    kernel: 'layerNormGradient',
    inputs: [matrix, matrix, row, column, column],
    run: (b, [dy, x, gain, mean, inverse]) => [b.layerNormGradient(dy!, x!, gain!, mean!, inverse!)]
  },
  {
    kernel: 'layerNormGainGradient',
    inputs: [matrix, matrix, column, column],
    run: (b, [dy, x, mean, inverse]) => [b.layerNormGainGradient(dy!, x!, mean!, inverse!)]
  },
  { kernel: 'activate', inputs: [matrix], run: (b, [x]) => [b.activate(kind, x!)] },
  {
    kernel: 'activateGradient',
    inputs: [matrix, matrix],
    run: (b, [dy, x]) => [b.activateGradient(kind, dy!, x!)]
  },
  { kernel: 'gate', inputs: [matrix, matrix], run: (b, [gate, up]) => [b.gate(kind, gate!, up!)] },
  {
    kernel: 'gateGradient',
    inputs: [matrix, matrix, matrix],
    run: (b, [dy, gate, up]) => Object.values(b.gateGradient(kind, dy!, gate!, up!))
  },
  {
    kernel: 'rotate',
    inputs: [activations, [3, 3], [3, 3]],
    run(b, [x, cos, sin]) {
      b.rotate(x!, heads, { cos: cos!, sin: sin! }, 1)
      return []
    }
  },
  {
    kernel: 'attention',
    inputs: [activations, keys, keys],
    run(b, [q, k, v]) {
      const { y, saved } = b.attention(q!, k!, v!, attended)
      return [y, ...saved]
    }
  },
  {
    kernel: 'attention with a past',
    inputs: [activations, keys, keys, [4, 12], [4, 12]],
    run(b, [q, k, v, keys, values]) {
      const past = { keys: keys!, values: values!, length: 2, shared: false }
      const { y, saved } = b.attention(q!, k!, v!, attended, past)
      return [y, ...saved]
    }
  },
  {
    kernel: 'attentionGradient',
    inputs: [activations, activations, keys, keys, [2, 12], [2, 12]],
    run(b, [dy, q, k, v, keys, values]) {
      const past = { keys: keys!, values: values!, length: 2, shared: true }
      const { y, saved } = b.attention(q!, k!, v!, attended, past)
      // Whatever is wrong with `dy` must leave nothing behind either.
      try {
        const gradient = b.attentionGradient(dy!, q!, k!, v!, y, saved, attended, past)
        return [gradient.q, gradient.k, gradient.v, gradient.past!.keys, gradient.past!.values]
      } finally {
        for (const tensor of [y, ...saved]) b.free(tensor)
      }
    }
  },
  {
    kernel: 'crossEntropy',
    inputs: [matrix],
    run: (b, [logits]) => [b.crossEntropy(logits!, Int32Array.of(4, -1, 0), null)]
  },
  {
    kernel: 'crossEntropy with its gradient',
    inputs: [matrix],
    run: (b, [logits]) => [b.crossEntropy(logits!, Int32Array.of(4, -1, 0), 0.5)]
  }
]
