import { expect } from 'chai'
import { exact, map, numericGradient, random } from './exact.ts'
import * as reference from './reference.ts'
import type { Workbench } from './workbench.ts'

export function describeLoss(bench: Workbench): void {
  const { put } = bench

  it('crossEntropy: nats alone leave the logits as they are', async () => {
    for (const [columns, targets] of [
      [1, [0]],
      [3, [2, -1, 0]],
      [7, [-1, -1]],
      [61, [60, 0, 31, -1, 7]],
      [1031, [1030, -1, 5]],
      [20_011, [4321]]
    ] as const) {
      const logits = random([targets.length, columns], columns, 5)
      const tensor = put(logits)
      const nats = bench.backend.crossEntropy(tensor, Int32Array.from(targets), null)
      await bench.expect(nats, reference.crossEntropy(logits, targets), `nats, ${columns} columns`)
      await bench.expect(tensor, logits, 'logits afterwards')
    }
  })

  it('crossEntropy: the gradient takes the place of the logits', async () => {
    for (const [columns, targets, scale] of [
      [1, [0], 1],
      [3, [2, -1, 0], 0.25],
      [7, [-1, -1], 1],
      [61, [60, 0, 31, -1, 7], -3],
      [1031, [1030, -1, 5], 0.5]
    ] as const) {
      const logits = random([targets.length, columns], columns, 5)
      const tensor = put(logits)
      const nats = bench.backend.crossEntropy(tensor, Int32Array.from(targets), scale)
      await bench.expect(nats, reference.crossEntropy(logits, targets), `nats, ${columns} columns`)
      const gradient = reference.crossEntropyGradient(logits, targets, scale)
      await bench.expect(tensor, gradient, `gradient, ${columns} columns`)
    }
  })

  it('crossEntropy: the gradient against finite differences', async () => {
    const targets = [2, -1, 8, 0, 8]
    const logits = random([5, 9], 1, 3)
    const tensor = put(logits)
    bench.keep(bench.backend.crossEntropy(tensor, Int32Array.from(targets), 0.2))
    const mean = map(random([5], 2), () => 0.2)
    const slope = numericGradient(logits => reference.crossEntropy(logits, targets), logits, mean)
    await bench.expect(tensor, slope, 'gradient')
  })

  it('crossEntropy: logits of ten thousand, and targets with next to no probability', async () => {
    const rows = [
      [1e4, 9999, 0, -1e4],
      [1e4, 9999, 0, -1e4],
      [-1e4, -1e4, -1e4, -1e4],
      [0, 200, -200, 30],
      [-1e4, 1e4, 1e4, 1e4]
    ]
    const targets = [0, 3, 2, 2, 0]
    const expected = [
      Math.log1p(Math.exp(-1)),
      2e4 + Math.log1p(Math.exp(-1)),
      Math.log(4),
      400,
      2e4 + Math.log(3)
    ]
    const logits = exact([5, 4], rows.flat())
    for (const [row, nats] of expected.entries()) {
      // One row at a time: the tolerance knows the size of all values together.
      const one = exact([1, 4], rows[row]!)
      const tensor = put(one)
      const got = bench.backend.crossEntropy(tensor, Int32Array.of(targets[row]!), 1)
      await bench.expect(got, exact([1], [nats]), `row ${row}`)
      const gradient = reference.crossEntropyGradient(one, [targets[row]!], 1)
      await bench.expect(tensor, gradient, `gradient of row ${row}`)
    }
    const together = bench.backend.crossEntropy(put(logits), Int32Array.from(targets), null)
    await bench.expect(together, exact([5], expected), 'all rows')
  })

  it('crossEntropy refuses a target that is not in the vocabulary', () => {
    const logits = put(random([2, 3], 1))
    for (const target of [3, -2, 2 ** 31 - 1]) {
      const attempt = () => bench.backend.crossEntropy(logits, Int32Array.of(0, target), 1)
      expect(attempt).to.throw(RangeError, String(target))
    }
  })
}
