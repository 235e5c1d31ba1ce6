import { expect } from 'chai'
import { exact, exactZeros, map, random } from './exact.ts'
import * as reference from './reference.ts'
import type { Workbench } from './workbench.ts'

/** [rows, inner, columns]: single elements, edges of tiles of 4, 6, 8 and 16, skinny ones, and more than a cache block. */
const products: ReadonlyArray<readonly [number, number, number]> = [
  [1, 1, 1],
  [1, 7, 5],
  [3, 5, 1],
  [4, 8, 16],
  [9, 17, 33],
  [5, 1, 3],
  [65, 31, 8],
  [33, 8, 67],
  [8, 129, 40],
  [7, 513, 9],
  [11, 261, 270]
]

export function describeLinear(bench: Workbench): void {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      it(`matmul, ${transposeA ? 'aᵀ' : 'a'} times ${transposeB ? 'bᵀ' : 'b'}: plain, scaled, added`, async () => {
        for (const [m, inner, n] of products) {
          const a = random(transposeA ? [inner, m] : [m, inner], m)
          const b = random(transposeB ? [n, inner] : [inner, n], n)
          const [left, right] = [bench.put(a), bench.put(b)]
          const what = `[${m}, ${inner}] x [${inner}, ${n}]`
          const product = reference.matmul(a, b, transposeA, transposeB)
          const plain = bench.backend.matmul(left, right, { transposeA, transposeB })
          await bench.expect(plain, product, what)
          const scaled = bench.backend.matmul(left, right, { transposeA, transposeB, scale: -0.5 })
          await bench.expect(scaled, reference.sumOf(exactZeros([m, n]), product, -0.5), `${what} scaled`)
          const before = random([m, n], m + n)
          const onto = bench.put(before)
          for (const [scale, expected] of [
            [undefined, reference.sumOf(before, product)],
            [2, reference.sumOf(before, product, 3)]
          ] as const) {
            const options = { transposeA, transposeB, onto, ...(scale === undefined ? {} : { scale }) }
            expect(bench.backend.matmul(left, right, options)).to.equal(onto)
            await bench.expect(onto, expected, `${what} added`)
          }
        }
      })
    }
  }

  it('matmul of a tensor with itself', async () => {
    const x = random([19, 10], 1)
    const tensor = bench.put(x)
    const gram = bench.backend.matmul(tensor, tensor, { transposeB: true })
    await bench.expect(gram, reference.matmul(x, x, false, true), 'x xᵀ')
    await bench.expect(tensor, x, 'x afterwards')
  })

  it('addBias and columnSums', async () => {
    for (const shape of [
      [1, 1],
      [3, 1],
      [1, 9],
      [5, 7],
      [33, 17],
      [9, 130]
    ] as const) {
      const [x, bias] = [random(shape, 1), random([shape[1]], 2)]
      const tensor = bench.put(x)
      await bench.expect(bench.backend.columnSums(tensor), reference.columnSums(x), 'columnSums')
      bench.backend.addBias(tensor, bench.put(bias))
      await bench.expect(tensor, reference.addBias(x, bias), 'addBias')
    }
  })

  it('add, multiply and accumulate, of vectors and matrices, also with themselves', async () => {
    const { backend } = bench
    for (const shape of [[1], [7], [3, 5], [17, 9], [33, 64]]) {
      const [a, b] = [random(shape, 1), random(shape, 2)]
      const [left, right] = [bench.put(a), bench.put(b)]
      await bench.expect(backend.add(left, right), reference.sumOf(a, b), 'add')
      await bench.expect(backend.add(left, left), reference.sumOf(a, a), 'add to itself')
      const squares = map(a, value => value * value)
      await bench.expect(backend.multiply(left, left), squares, 'multiply by itself')
      const product = map(a, (value, i) => value * b.values[i]!)
      await bench.expect(backend.multiply(left, right), product, 'multiply')
      backend.accumulate(left, right)
      await bench.expect(left, reference.sumOf(a, b), 'accumulate')
      backend.accumulate(left, right, -2.5)
      await bench.expect(left, reference.sumOf(a, b, -1.5), 'accumulate, scaled')
      backend.accumulate(right, right, 2)
      await bench.expect(right, reference.sumOf(b, b, 2), 'accumulate on itself')
    }
  })

  it('gather and its gradient, rows taken twice or never', async () => {
    for (const [rows, columns, indices] of [
      [1, 1, [0]],
      [5, 3, [4, 0, 4, 4, 2]],
      [9, 17, [8, 1, 0]],
      [3, 64, [2, 2]],
      [40, 7, [39, 0, 5, 39, 5, 39, 1]]
    ] as const) {
      const table = random([rows, columns], 1)
      const taken = Int32Array.from(indices)
      await bench.expect(
        bench.backend.gather(bench.put(table), taken),
        reference.gather(table, taken),
        'gather'
      )
      const dy = random([taken.length, columns], 2)
      const gradient = bench.backend.gatherGradient(bench.put(dy), taken, rows)
      await bench.expect(gradient, reference.gatherGradient(dy, taken, rows), 'gatherGradient')
    }
  })

  it('gather refuses an index outside the table', () => {
    const table = bench.put(random([3, 2], 1))
    for (const index of [-1, 3, 2 ** 31 - 1]) {
      expect(() => bench.backend.gather(table, Int32Array.of(0, index))).to.throw(RangeError, String(index))
      const gradient = () => bench.backend.gatherGradient(table, Int32Array.of(0, 1, index), 3)
      expect(gradient).to.throw(RangeError, String(index))
    }
  })

  it('splitColumns and joinColumns', async () => {
    for (const [rows, widths] of [
      [1, [1]],
      [3, [5]],
      [5, [1, 2, 3]],
      [7, [9, 3, 3]],
      [33, [64, 17, 16]]
    ] as const) {
      const x = random([rows, widths.reduce<number>((sum, width) => sum + width, 0)], 1)
      const parts = bench.keepAll(bench.backend.splitColumns(bench.put(x), widths))
      expect(parts).to.have.length(widths.length)
      let from = 0
      for (const [i, width] of widths.entries()) {
        await bench.expect(parts[i]!, reference.columnsOf(x, from, width), `part ${i}`)
        from += width
      }
      await bench.expect(bench.backend.joinColumns(parts), x, 'joined')
    }
  })

  it('joinRows', async () => {
    for (const rows of [[1], [3, 1], [5, 2, 9]]) {
      const parts = rows.map((count, i) => random([count, 7], i))
      const joined = exact(
        [rows.reduce((a, b) => a + b), 7],
        parts.flatMap(part => [...part.values])
      )
      const tensors = parts.map(part => bench.put(part))
      await bench.expect(bench.backend.joinRows(tensors), joined, `rows ${rows}`)
    }
  })

  it('parts and joins are copies: what happens to them leaves the whole alone', async () => {
    const { backend } = bench
    const [x, one] = [random([3, 4], 1), bench.put(random([3, 4], 2))]
    const tensor = bench.put(x)
    const copies = [
      ...backend.splitColumns(tensor, [4]),
      backend.joinColumns([tensor]),
      backend.joinRows([tensor])
    ]
    for (const copy of bench.keepAll(copies)) backend.accumulate(copy, one)
    await bench.expect(tensor, x, 'the whole')
  })
}
