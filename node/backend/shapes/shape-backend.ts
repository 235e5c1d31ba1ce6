import type { Backend, BackendName, Shape, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import {
  type AttentionSizes,
  attentionSizes,
  composedScratch,
  fusedScratch,
  type KernelScratch
} from './kernel-scratch.ts'
import { ShapeMemory } from './shape-memory.ts'

/**
 * A backend that computes nothing: it goes through a computation's shapes and counts the bytes that it would take.
 * @param name - whose memory is counted
 */
export function openShapeBackend(name: BackendName): Backend {
  const scratch = name === 'wasm' ? fusedScratch : composedScratch
  const memory = new ShapeMemory(scratch.alignment)
  const make = (shape: Shape): Tensor => memory.make(shape)
  return {
    name,
    description: `the shapes of ${name}`,
    threads: 1,
    upload: (_, shape) => make(shape),
    zeros: make,
    download: async ({ shape }) => new Float32Array(check.sizeOf(shape)),
    free: tensor => memory.free(tensor),
    memory: () => memory.memory(),
    async close() {},
    ...linearShapes(memory, scratch),
    ...rowShapes(memory, scratch),
    ...normShapes(memory, scratch),
    ...activationShapes(memory, scratch),
    ...attentionShapes(memory, scratch)
  }
}

function linearShapes(
  memory: ShapeMemory,
  scratch: KernelScratch
): Pick<Backend, 'matmul' | 'addBias' | 'columnSums' | 'add' | 'multiply' | 'accumulate'> {
  return {
    matmul(a, b, options = {}) {
      const { m, n } = check.matmulSizes(a, b, options)
      const { onto, scale = 1 } = options
      const product = onto ?? memory.make([m, n])
      memory.scratch(...scratch.matmul(m * n, onto !== undefined, scale !== 1))
      return product
    },
    addBias: x => memory.scratch(...scratch.addBias(check.sizeOf(x.shape))),
    columnSums: x => memory.make([check.matrixShape('columnSums', x)[1]]),
    add: a => memory.make(a.shape),
    multiply: a => memory.make(a.shape),
    accumulate: (target, _, scale = 1) =>
      memory.scratch(...scratch.accumulate(check.sizeOf(target.shape), scale !== 1))
  }
}

function rowShapes(
  memory: ShapeMemory,
  scratch: KernelScratch
): Pick<Backend, 'gather' | 'gatherGradient' | 'splitColumns' | 'joinColumns' | 'joinRows' | 'crossEntropy'> {
  return {
    gather(table, indices) {
      const rows = memory.make([indices.length, check.matrixShape('gather', table)[1]])
      memory.scratch(...scratch.gather(indices.length))
      return rows
    },
    gatherGradient(dy, indices, rows) {
      const [, columns] = check.matrixShape('gatherGradient', dy)
      const table = memory.make([rows, columns])
      memory.scratch(...scratch.gatherGradient(indices.length, columns))
      return table
    },
    splitColumns: (x, widths) => widths.map(width => memory.make([x.shape[0]!, width])),
    joinColumns: parts =>
      memory.make([parts[0]!.shape[0]!, parts.reduce((sum, { shape }) => sum + shape[1]!, 0)]),
    joinRows: parts =>
      memory.make([parts.reduce((sum, { shape }) => sum + shape[0]!, 0), parts[0]!.shape[1]!]),
    crossEntropy(logits, _, gradientScale) {
      const [rows, columns] = check.matrixShape('crossEntropy', logits)
      const nats = memory.make([rows])
      memory.scratch(...scratch.crossEntropy(rows, columns, gradientScale !== null))
      return nats
    }
  }
}

function normShapes(
  memory: ShapeMemory,
  scratch: KernelScratch
): Pick<
  Backend,
  | 'rmsNorm'
  | 'rmsNormGradient'
  | 'rmsNormGainGradient'
  | 'layerNorm'
  | 'layerNormGradient'
  | 'layerNormGainGradient'
> {
  const like = (x: Tensor, sizes: number[]): Tensor => {
    const y = memory.make(x.shape)
    memory.scratch(...sizes)
    return y
  }
  const gain = (x: Tensor, rows: number): Tensor => {
    const n = check.sizeOf(x.shape)
    const slope = memory.make([n / rows])
    memory.scratch(...scratch.normGainGradient(n))
    return slope
  }
  return {
    rmsNorm(x, gain) {
      const [rows, columns] = check.checkRuns('rmsNorm', x, gain)
      const inverse = memory.make([rows])
      return { y: like(x, scratch.rmsNorm(rows * columns, rows)), inverse }
    },
    rmsNormGradient: (_, x, gain) => {
      const [rows, columns] = check.checkRuns('rmsNormGradient', x, gain)
      return like(x, scratch.rmsNormGradient(rows * columns, rows))
    },
    rmsNormGainGradient: (_, x, inverse) => gain(x, inverse.shape[0]!),
    layerNorm(x) {
      const [rows, columns] = check.matrixShape('layerNorm', x)
      const [mean, inverse] = [memory.make([rows]), memory.make([rows])]
      return { y: like(x, scratch.layerNorm(rows * columns, rows)), mean, inverse }
    },
    layerNormGradient(_, x) {
      const [rows, columns] = check.matrixShape('layerNormGradient', x)
      return like(x, scratch.layerNormGradient(rows * columns, rows))
    },
    layerNormGainGradient: (_, x) => gain(x, x.shape[0]!)
  }
}

function activationShapes(
  memory: ShapeMemory,
  scratch: KernelScratch
): Pick<Backend, 'activate' | 'activateGradient' | 'gate' | 'gateGradient' | 'rotate'> {
  const like = (x: Tensor, sizes: number[]): Tensor => {
    const y = memory.make(x.shape)
    memory.scratch(...sizes)
    return y
  }
  return {
    activate: (kind, x) => like(x, scratch.activate(kind, check.sizeOf(x.shape))),
    activateGradient: (kind, _, x) => like(x, scratch.activateGradient(kind, check.sizeOf(x.shape))),
    gate: (kind, gate) => like(gate, scratch.gate(kind, check.sizeOf(gate.shape))),
    gateGradient(kind, _, gate, up) {
      const dUp = memory.make(up.shape)
      return { gate: like(gate, scratch.gateGradient(kind, check.sizeOf(gate.shape))), up: dUp }
    },
    rotate: x => memory.scratch(...scratch.rotate(check.sizeOf(x.shape)))
  }
}

function attentionShapes(
  memory: ShapeMemory,
  scratch: KernelScratch
): Pick<Backend, 'attention' | 'attentionGradient'> {
  const withScratch = <R>(result: R, of: (sizes: AttentionSizes) => number[], sizes: AttentionSizes): R => {
    memory.scratch(...of(sizes))
    return result
  }
  return {
    attention(q, k, v, shape, past) {
      check.checkAttention('attention', q, k, v, shape, past)
      const sizes = attentionSizes(shape, past)
      const saved = scratch.attentionSaved(sizes).map(size => memory.make([size]))
      return withScratch({ y: memory.make(q.shape), saved }, scratch.attention, sizes)
    },
    attentionGradient(_dy, q, k, v, _y, _saved, shape, past) {
      check.checkAttention('attentionGradient', q, k, v, shape, past)
      const result = {
        q: memory.make(q.shape),
        k: memory.make(k.shape),
        v: memory.make(v.shape),
        past: past?.shared
          ? { keys: memory.make(past.keys.shape), values: memory.make(past.values.shape) }
          : null
      }
      return withScratch(result, scratch.attentionGradient, attentionSizes(shape, past))
    }
  }
}
