import type { AttentionShape, Tensor } from '../../../../node/backend/backend.ts'
import { openWasmBackend } from '../../../../node/backend/wasm/wasm-backend.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'
import { spawnKernelThread } from '../../../../node/platform/kernel-threads.ts'
import { type Exact, exact, map, random } from '../conformance/exact.ts'
import * as reference from '../conformance/reference.ts'
import * as attention from '../conformance/reference-attention.ts'
import { useWorkbench } from '../conformance/workbench.ts'

/** [rows, inner, columns] beyond one block of the caches (128 columns, 384 deep), and each way to read the operands. */
const products: ReadonlyArray<readonly [number, number, number, string]> = [
  [16, 389, 141, 'B is read in place, but for its last columns'],
  [3, 391, 70, 'few rows'],
  [260, 17, 37, 'a transposed A is packed'],
  [29, 777, 131, 'three blocks deep'],
  [400, 9, 5, 'rows are shared out']
]

function randomIndices(length: number, size: number): Int32Array {
  return Int32Array.from(random([length], 9).values, value => Math.floor(((value + 1) / 2) * size))
}

/** Sizes that the conformance suite, which must be quick on slow backends, does not reach: many blocks, many tasks. */
describe('kernels of the wasm backend with work for several tasks', () => {
  const bench = useWorkbench(() =>
    openWasmBackend({ kernels: readKernelFiles(), threads: 2, spawn: spawnKernelThread })
  )
  const { put } = bench

  for (const [m, inner, n, what] of products) {
    it(`matmul [${m}, ${inner}] x [${inner}, ${n}]: ${what}`, async () => {
      const [a, b, before] = [random([m, inner], 1), random([inner, n], 2), random([m, n], 3)]
      const product = reference.matmul(a, b)
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const left = put(transposeA ? transposed(a) : a)
          const right = put(transposeB ? transposed(b) : b)
          const onto = put(before)
          bench.backend.matmul(left, right, { transposeA, transposeB, onto, scale: 0.5 })
          await bench.expect(onto, reference.sumOf(before, product, 0.5), `${transposeA} ${transposeB}`)
        }
      }
    })
  }

  it('element by element', async () => {
    const [a, b, dy] = [random([20_011], 1), random([20_011], 2), random([20_011], 3)]
    const [left, right, target] = [put(a), put(b), put(dy)]
    await bench.expect(bench.backend.add(left, right), reference.sumOf(a, b), 'add')
    await bench.expect(bench.backend.multiply(left, right), times(a, b), 'multiply')
    await bench.expect(
      bench.backend.activate('gelu-tanh', left),
      reference.activate('gelu-tanh', a),
      'activate'
    )
    await bench.expect(bench.backend.gate('silu', left, right), reference.gate('silu', a, b), 'gate')
    const gradient = bench.backend.gateGradient('relu', target, left, right)
    await bench.expect(gradient.up, times(dy, reference.activate('relu', a)), "up's gradient")
    await bench.expect(
      gradient.gate,
      map(times(dy, b), (value, i) => (a.values[i]! > 0 ? value : 0)),
      "gate's gradient"
    )
    bench.backend.accumulate(target, left, 3)
    await bench.expect(target, reference.sumOf(dy, a, 3), 'accumulate')
  })

  it('rows', async () => {
    const [x, row] = [random([211, 103], 1), random([103], 2)]
    const [input, gain] = [put(x), put(row)]
    const normed = bench.backend.rmsNorm(input, gain, 1e-5)
    const expected = reference.rmsNorm(x, row, 1e-5)
    await bench.expect(normed.y, expected.y, 'rmsNorm')
    await bench.expect(normed.inverse, expected.inverse, 'its inverse')
    const layered = bench.backend.layerNorm(input, gain, gain, 1e-5)
    bench.keepAll([layered.mean, layered.inverse])
    await bench.expect(layered.y, reference.layerNorm(x, row, row, 1e-5).y, 'layerNorm')
    const indices = randomIndices(150, 211)
    await bench.expect(bench.backend.gather(input, indices), reference.gather(x, indices), 'gather')
    const gathered = bench.backend.gatherGradient(put(random([150, 103], 4)), indices, 211)
    await bench.expect(
      gathered,
      reference.gatherGradient(random([150, 103], 4), indices, 211),
      'gatherGradient'
    )
    const parts = bench.backend.splitColumns(input, [40, 63])
    bench.keepAll(parts)
    await bench.expect(parts[1]!, reference.columnsOf(x, 40, 63), 'splitColumns')
    await bench.expect(bench.backend.joinColumns(parts), x, 'joinColumns')
    bench.backend.addBias(input, gain)
    await bench.expect(input, reference.addBias(x, row), 'addBias')
  })

  it('sums of columns', async () => {
    const [x, dy] = [random([3001, 37], 1), random([3001, 37], 2)]
    const [input, slope] = [put(x), put(dy)]
    await bench.expect(bench.backend.columnSums(input), reference.columnSums(x), 'columnSums')
    const inverse = random([3001], 3)
    const scaled = map(times(x, dy), (value, i) => value * inverse.values[Math.floor(i / 37)]!)
    const gradient = bench.backend.rmsNormGainGradient(slope, input, put(inverse))
    await bench.expect(gradient, reference.columnSums(scaled), 'rmsNormGainGradient')
  })

  it('crossEntropy', async () => {
    const [logits, targets] = [random([40, 1003], 1, 5), randomIndices(40, 1003)]
    targets[7] = -1
    const input = put(logits)
    const nats = bench.backend.crossEntropy(input, targets, 0.1)
    await bench.expect(nats, reference.crossEntropy(logits, targets), 'nats')
    await bench.expect(input, reference.crossEntropyGradient(logits, targets, 0.1), 'gradient')
  })

  it('attention', async () => {
    const shape: AttentionShape = {
      ...{ batch: 2, time: 141, headCount: 4, keyValueHeadCount: 2, headSize: 12 },
      ...{ scale: 0.3, window: 90 }
    }
    const [q, k, v, dy] = [48, 24, 24, 48].map((width, i) => random([282, width], i, 2)) as Four<Exact>
    const before = { keys: random([70, 24], 5, 2), values: random([70, 24], 6), length: 70, shared: true }
    const inputs = [q, k, v].map(x => put(x)) as [Tensor, Tensor, Tensor]
    const past = { ...before, keys: put(before.keys), values: put(before.values) }
    const { y, saved } = bench.backend.attention(...inputs, shape, past)
    bench.keepAll(saved)
    await bench.expect(y, attention.attention(q, k, v, shape, before), 'attention')
    const gradient = bench.backend.attentionGradient(put(dy), ...inputs, y, saved, shape, past)
    const expected = attention.attentionGradient(dy, q, k, v, shape, before)
    for (const name of ['q', 'k', 'v'] as const) await bench.expect(gradient[name], expected[name], name)
    for (const name of ['keys', 'values'] as const) {
      await bench.expect(gradient.past![name], expected.past[name], `past ${name}`)
    }
  })
})

type Four<T> = [T, T, T, T]

function times(a: Exact, b: Exact): Exact {
  return map(a, (value, i) => value * b.values[i]!)
}

function transposed({ shape, values }: Exact): Exact {
  const [rows, columns] = shape as [number, number]
  return exact(
    [columns, rows],
    values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!)
  )
}
