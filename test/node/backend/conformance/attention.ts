import { expect } from 'chai'
import type { AttentionShape, Past } from '../../../../node/backend/backend.ts'
import { type Exact, float32Tolerance, map, numericGradient, random } from './exact.ts'
import * as reference from './reference-attention.ts'
import type { Workbench } from './workbench.ts'

interface Case extends Omit<AttentionShape, 'scale' | 'window'> {
  readonly window?: number
  readonly past?: { readonly length: number; readonly shared: boolean }
  /** Queries are this many times larger: far above 1, each sees one position alone. */
  readonly sharpness?: number
}

const shape = (
  batch: number,
  time: number,
  headCount: number,
  keyValueHeadCount: number,
  headSize: number
) => ({
  batch,
  time,
  headCount,
  keyValueHeadCount,
  headSize
})

const cache = (length: number) => ({ past: { length, shared: false } })
const prefix = (length: number) => ({ past: { length, shared: true } })

const cases: readonly Case[] = [
  shape(1, 1, 1, 1, 2),
  shape(2, 5, 4, 2, 6),
  shape(1, 9, 3, 1, 10),
  shape(2, 17, 2, 2, 64),
  shape(1, 33, 6, 3, 4),
  // More than a block of 64 positions.
  shape(1, 71, 1, 1, 10),
  shape(1, 130, 2, 1, 6),
  { ...shape(2, 7, 2, 1, 6), window: 1 },
  { ...shape(1, 33, 3, 3, 8), window: 5 },
  { ...shape(2, 5, 2, 2, 6), window: 9 },
  { ...shape(1, 100, 1, 1, 6), window: 33 },
  // Generation: one position after a cache.
  { ...shape(2, 1, 4, 2, 6), ...cache(3) },
  { ...shape(1, 1, 3, 1, 64), ...cache(70) },
  { ...shape(2, 1, 4, 2, 6), ...cache(3), window: 3 },
  { ...shape(2, 1, 4, 2, 6), ...cache(3), window: 4 },
  { ...shape(2, 5, 4, 2, 10), ...cache(7) },
  { ...shape(2, 5, 2, 2, 6), ...cache(7), window: 4 },
  { ...shape(1, 3, 2, 1, 6), ...cache(9), window: 2 },
  { ...shape(2, 5, 4, 2, 10), ...prefix(3) },
  { ...shape(2, 9, 2, 1, 6), ...prefix(5), window: 2 },
  { ...shape(3, 17, 3, 3, 64), ...prefix(1) },
  { ...shape(1, 66, 2, 1, 6), ...prefix(67), window: 20 },
  { ...shape(1, 9, 2, 2, 6), sharpness: 3000 }
]

/** Small enough that every element can be moved. */
const differenced: readonly Case[] = [
  shape(2, 3, 4, 2, 2),
  { ...shape(1, 5, 2, 1, 4), window: 2 },
  { ...shape(2, 2, 2, 1, 2), ...prefix(3) },
  { ...shape(2, 2, 2, 2, 2), ...cache(2), window: 3 }
]

function nameOf({
  batch,
  time,
  headCount,
  keyValueHeadCount,
  headSize,
  window,
  past,
  sharpness
}: Case): string {
  const parts = [
    `${batch} x ${time} positions, ${headCount} heads on ${keyValueHeadCount} of ${headSize}`,
    window === undefined ? '' : `window ${window}`,
    past === undefined ? '' : `${past.shared ? 'shared' : 'own'} past of ${past.length}`,
    sharpness === undefined ? '' : 'sharp'
  ]
  return parts.filter(part => part !== '').join(', ')
}

function inputs({ window, past, sharpness, ...heads }: Case) {
  const { batch, time, headCount, keyValueHeadCount, headSize } = heads
  const width = keyValueHeadCount * headSize
  const shape: AttentionShape = { ...heads, window: window ?? null, scale: 1.3 / Math.sqrt(headSize) }
  const pastRows = (past?.shared ? 1 : batch) * (past?.length ?? 0)
  const pastValues: reference.ExactPast | undefined = past && {
    ...past,
    keys: random([pastRows, width], 5, 2),
    values: random([pastRows, width], 6)
  }
  return {
    shape,
    past: pastValues,
    q: map(random([batch * time, headCount * headSize], 1, 2), value =>
      Math.fround(value * (sharpness ?? 1))
    ),
    k: random([batch * time, width], 2, 2),
    v: random([batch * time, width], 3),
    dy: random([batch * time, headCount * headSize], 4)
  }
}

function expectedGradient(example: ReturnType<typeof inputs>): reference.ExactAttentionGradient {
  const { dy, q, k, v, shape, past } = example
  return reference.attentionGradient(dy, q, k, v, shape, past)
}

function gradientByDifferences(example: ReturnType<typeof inputs>): reference.ExactAttentionGradient {
  const { dy, q, k, v, shape, past } = example
  const along = (x: Exact, f: (x: Exact) => Exact) => numericGradient(f, x, dy)
  const none = { keys: k, values: v }
  return {
    q: along(q, q => reference.attention(q, k, v, shape, past)),
    k: along(k, k => reference.attention(q, k, v, shape, past)),
    v: along(v, v => reference.attention(q, k, v, shape, past)),
    past: past
      ? {
          keys: along(past.keys, keys => reference.attention(q, k, v, shape, { ...past, keys })),
          values: along(past.values, values => reference.attention(q, k, v, shape, { ...past, values }))
        }
      : none
  }
}

/** Runs attention and its gradient, and holds them against what is expected. */
async function check(bench: Workbench, example: Case, gradient: typeof expectedGradient): Promise<void> {
  const { backend, put } = bench
  const given = inputs(example)
  const [dy, q, k, v] = [put(given.dy), put(given.q), put(given.k), put(given.v)]
  const past: Past | undefined = given.past && {
    ...given.past,
    keys: put(given.past.keys),
    values: put(given.past.values)
  }
  // Scores in the thousands are known to 1e-4 in float32, and so are their exponentials. What is left of a difference of
  // such weights is multiplied by the queries on its way to the keys.
  const { sharpness } = example
  const tolerance = sharpness && 1e-3
  const keyTolerance = sharpness && float32Tolerance * sharpness
  const { y, saved } = backend.attention(q, k, v, given.shape, past)
  bench.keepAll(saved)
  const what = nameOf(example)
  await bench.expect(
    y,
    reference.attention(given.q, given.k, given.v, given.shape, given.past),
    what,
    tolerance
  )
  const got = backend.attentionGradient(dy, q, k, v, y, saved, given.shape, past)
  bench.keepAll([got.q, got.k, got.v, ...(got.past ? [got.past.keys, got.past.values] : [])])
  const expected = gradient(given)
  await bench.expect(got.q, expected.q, `${what}: queries`, tolerance)
  await bench.expect(got.k, expected.k, `${what}: keys`, keyTolerance)
  await bench.expect(got.v, expected.v, `${what}: values`, tolerance)
  if (past?.shared !== true) expect(got.past, `${what}: gradient of a past`).to.equal(null)
  else {
    await bench.expect(got.past!.keys, expected.past.keys, `${what}: past keys`)
    await bench.expect(got.past!.values, expected.past.values, `${what}: past values`)
  }
  // Nothing of it works in place.
  for (const [tensor, values] of [
    [q, given.q],
    [k, given.k],
    [v, given.v],
    [dy, given.dy]
  ] as const)
    await bench.expect(tensor, values, `${what}: inputs afterwards`)
}

export function describeAttention(bench: Workbench): void {
  for (const example of cases) {
    it(`attention and its gradient: ${nameOf(example)}`, () => check(bench, example, expectedGradient))
  }

  for (const example of differenced) {
    it(`attention's gradient against finite differences: ${nameOf(example)}`, () =>
      check(bench, example, gradientByDifferences))
  }

  it('rotate: there and back, also of the first part of each head alone', async () => {
    for (const [batch, time, headCount, headSize, rotated] of [
      [1, 1, 1, 2, 2],
      [2, 5, 3, 6, 6],
      [1, 9, 2, 10, 4],
      [2, 17, 3, 64, 64],
      [3, 3, 1, 64, 16],
      [1, 33, 5, 10, 10]
    ] as const) {
      const shape = { batch, time, headCount, headSize }
      const x = random([batch * time, headCount * headSize], 1)
      const angles = random([time, rotated / 2], 2, 7)
      const tables = { cos: bench.put(map(angles, Math.cos)), sin: bench.put(map(angles, Math.sin)) }
      for (const direction of [1, -1] as const) {
        const tensor = bench.put(x)
        bench.backend.rotate(tensor, shape, tables, direction)
        const what = `${batch} x ${time}, ${headCount} heads of ${headSize}, ${rotated} rotated, ${direction}`
        await bench.expect(tensor, reference.rotate(x, shape, angles, direction), what)
        bench.backend.rotate(tensor, shape, tables, direction === 1 ? -1 : 1)
        await bench.expect(tensor, x, `${what} and back`)
      }
    }
  })
}
