import { expect } from 'chai'
import type { AttentionShape } from '../../../node/backend/backend.ts'
import { attention } from '../../../node/backend/ops/attention.ts'
import { activate, add, gate } from '../../../node/backend/ops/elementwise.ts'
import { headLoss } from '../../../node/backend/ops/head-loss.ts'
import { linear } from '../../../node/backend/ops/linear.ts'
import { layerNorm, rmsNorm } from '../../../node/backend/ops/norm.ts'
import { gather, splitColumns } from '../../../node/backend/ops/table.ts'
import { constant, parameter, Tape, type Variable } from '../../../node/backend/tape.ts'
import { useBackend } from '../../support/test-backends.ts'
import { type Exact, exact, expectClose, numericGradient, random } from './conformance/exact.ts'
import * as reference from './conformance/reference.ts'
import * as attentionReference from './conformance/reference-attention.ts'

/** An operation on tensors of these shapes, and the same in float64. */
interface Case {
  readonly name: string
  readonly shapes: ReadonlyArray<readonly number[]>
  run(tape: Tape, inputs: readonly Variable[]): Variable
  reference(inputs: readonly Exact[]): Exact
}

/** Dropout of a third: 0 or 3 / 2. */
const mask = exact(
  [7, 3],
  Array.from({ length: 21 }, (_, i) => (i % 3 === 1 ? 0 : 1.5))
)

const upload = (tape: Tape, { shape, values }: Exact) => tape.backend.upload(Float32Array.from(values), shape)

function lowRankReference(x: Exact, w: Exact, a: Exact, b: Exact): Exact {
  const inner = reference.matmul(x, a, false, true)
  return reference.sumOf(reference.matmul(x, w, false, true), reference.matmul(inner, b, false, true), 0.5)
}

const heads: AttentionShape = {
  batch: 2,
  time: 5,
  headCount: 4,
  keyValueHeadCount: 2,
  headSize: 6,
  scale: 0.4,
  window: null
}

/** Of the first two pairs of each head of three, from position 3 on. */
const angles = exact(
  [5, 2],
  Array.from({ length: 10 }, (_, i) => (3 + Math.floor(i / 2)) * (i % 2 === 0 ? 1 : 0.1))
)

function rotaryOf(tape: Tape) {
  const table = (f: (angle: number) => number) =>
    tape.recordOne([], upload(tape, { shape: [5, 2], values: angles.values.map(f) }), [], () => {}).tensor
  return { cos: table(Math.cos), sin: table(Math.sin) }
}

function rotated(q: Exact, k: Exact): [Exact, Exact] {
  const keyHeads = { ...heads, headCount: heads.keyValueHeadCount }
  return [attentionReference.rotate(q, heads, angles, 1), attentionReference.rotate(k, keyHeads, angles, 1)]
}

const ids = Int32Array.of(3, 0, 3, 2)
const targets = Int32Array.of(4, -1, 0, 2, -1)

const cases: readonly Case[] = [
  {
    name: 'linear',
    shapes: [
      [7, 3],
      [5, 3]
    ],
    run: (tape, [x, w]) => linear(tape, x!, w!),
    reference: ([x, w]) => reference.matmul(x!, w!, false, true)
  },
  {
    name: 'linear with bias',
    shapes: [[7, 3], [5, 3], [5]],
    run: (tape, [x, w, bias]) => linear(tape, x!, w!, bias),
    reference: ([x, w, bias]) => reference.addBias(reference.matmul(x!, w!, false, true), bias!)
  },
  {
    name: 'linear with a low-rank branch',
    shapes: [
      [7, 3],
      [5, 3],
      [2, 3],
      [5, 2]
    ],
    run: (tape, [x, w, a, b]) => linear(tape, x!, w!, null, { a: a!, b: b!, scale: 0.5, mask: null }),
    reference: ([x, w, a, b]) => lowRankReference(x!, w!, a!, b!)
  },
  {
    name: 'linear with bias, a low-rank branch and dropout before it',
    shapes: [[7, 3], [5, 3], [5], [2, 3], [5, 2]],
    run: (tape, [x, w, bias, a, b]) =>
      linear(tape, x!, w!, bias, { a: a!, b: b!, scale: 0.5, mask: upload(tape, mask) }),
    reference: ([x, w, bias, a, b]) => {
      const dropped = { shape: x!.shape, values: x!.values.map((value, i) => value * mask.values[i]!) }
      const inner = reference.matmul(dropped, a!, false, true)
      const branch = reference.matmul(inner, b!, false, true, 0.5)
      return reference.sumOf(reference.addBias(reference.matmul(x!, w!, false, true), bias!), branch)
    }
  },
  {
    name: 'rmsNorm',
    shapes: [[4, 6], [6]],
    run: (tape, [x, gain]) => rmsNorm(tape, x!, gain!, 1e-3),
    reference: ([x, gain]) => reference.rmsNorm(x!, gain!, 1e-3).y
  },
  {
    name: 'rmsNorm by heads, whose gain is shorter than a row',
    shapes: [[4, 6], [2]],
    run: (tape, [x, gain]) => rmsNorm(tape, x!, gain!, 1e-3),
    reference: ([x, gain]) => {
      const runs = { shape: [12, 2], values: x!.values }
      return { shape: x!.shape, values: reference.rmsNorm(runs, gain!, 1e-3).y.values }
    }
  },
  {
    name: 'layerNorm',
    shapes: [[4, 6], [6], [6]],
    run: (tape, [x, gain, bias]) => layerNorm(tape, x!, gain!, bias!, 1e-3),
    reference: ([x, gain, bias]) => reference.layerNorm(x!, gain!, bias!, 1e-3).y
  },
  ...(['silu', 'gelu', 'gelu-tanh'] as const).flatMap((kind): Case[] => [
    {
      name: `activate, ${kind}`,
      shapes: [[3, 5]],
      run: (tape, [x]) => activate(tape, kind, x!),
      reference: ([x]) => reference.activate(kind, x!)
    },
    {
      name: `gate, ${kind}`,
      shapes: [
        [3, 5],
        [3, 5]
      ],
      run: (tape, [x, up]) => gate(tape, kind, x!, up!),
      reference: ([x, up]) => reference.gate(kind, x!, up!)
    }
  ]),
  {
    name: 'add',
    shapes: [
      [3, 5],
      [3, 5]
    ],
    run: (tape, [a, b]) => add(tape, a!, b!),
    reference: ([a, b]) => reference.sumOf(a!, b!)
  },
  {
    name: 'gather, a row twice and one never',
    shapes: [[4, 3]],
    run: (tape, [table]) => gather(tape, table!, ids),
    reference: ([table]) => reference.gather(table!, ids)
  },
  {
    name: 'splitColumns, the middle part used twice and the last never',
    shapes: [[4, 8]],
    run: (tape, [x]) => {
      const [first, middle] = splitColumns(tape, x!, [3, 3, 2])
      return add(tape, gate(tape, 'silu', first!, middle!), middle!)
    },
    reference: ([x]) => {
      const [first, middle] = [reference.columnsOf(x!, 0, 3), reference.columnsOf(x!, 3, 3)]
      return reference.sumOf(reference.gate('silu', first, middle), middle)
    }
  },
  {
    name: 'attention, rotated in part',
    shapes: [
      [10, 24],
      [10, 12],
      [10, 12]
    ],
    run: (tape, [q, k, v]) => attention(tape, q!, k!, v!, heads, rotaryOf(tape), null),
    reference: ([q, k, v]) => attentionReference.attention(...rotated(q!, k!), v!, heads)
  },
  {
    name: 'attention behind a window, with a learned past that is not rotated',
    shapes: [
      [10, 24],
      [10, 12],
      [10, 12],
      [3, 12],
      [3, 12]
    ],
    run: (tape, [q, k, v, keys, values]) => {
      const past = { keys: keys!, values: values!, length: 3, shared: true }
      return attention(tape, q!, k!, v!, { ...heads, window: 4 }, rotaryOf(tape), past)
    },
    reference: ([q, k, v, keys, values]) => {
      const past = { keys: keys!, values: values!, length: 3, shared: true }
      return attentionReference.attention(...rotated(q!, k!), v!, { ...heads, window: 4 }, past)
    }
  },
  {
    name: 'headLoss, two targets ignored',
    shapes: [
      [5, 3],
      [6, 3]
    ],
    run: (tape, [hidden, head]) => {
      const { nats, mean } = headLoss(tape, hidden!, head!, targets)
      for (const tensor of nats) tape.recordOne([], tensor, [], () => {})
      return mean
    },
    reference: ([hidden, head]) => {
      const nats = reference.crossEntropy(reference.matmul(hidden!, head!, false, true), targets).values
      return exact([1], [nats.reduce((sum, value) => sum + value, 0) / 3])
    }
  }
]

describe('operations on the tape', () => {
  const backend = useBackend()

  afterEach(() => {
    expect(backend().memory()).to.include({ tensors: 0, bytes: 0 })
  })

  /** Runs forward and backward with some inputs as parameters: the output and their gradients. */
  async function computed(
    { run }: Case,
    inputs: readonly Exact[],
    dy: Exact,
    isWanted: (i: number) => boolean
  ): Promise<{ output: Float32Array; gradients: Array<Float32Array | null> }> {
    const tape = new Tape(backend(), 'record')
    const variables = inputs.map((x, i) => (isWanted(i) ? parameter : constant)(upload(tape, x)))
    const y = run(tape, variables)
    const output = await backend().download(y.tensor)
    tape.backward(y, upload(tape, dy))
    const gradients = []
    for (const variable of variables) {
      const gradient = tape.take(variable)
      gradients.push(gradient === null ? null : await backend().download(gradient))
      if (gradient !== null) backend().free(gradient)
    }
    tape.dispose()
    for (const { tensor } of variables) backend().free(tensor)
    return { output, gradients }
  }

  for (const testCase of cases) {
    it(`${testCase.name}: value and gradients are those of float64 loops`, async () => {
      const inputs = testCase.shapes.map((shape, i) => random(shape, 60 + i))
      const expected = testCase.reference(inputs)
      // A loss goes back from its own slope alone.
      const isLoss = expected.shape.length === 1
      const dy = isLoss ? exact([1], [1]) : random(expected.shape, 70)
      const { output, gradients } = await computed(testCase, inputs, dy, () => true)
      if (!isLoss) expectClose(output, expected, 'value')
      for (const [i, gradient] of gradients.entries()) {
        const among = (x: Exact) => testCase.reference(inputs.map((other, j) => (j === i ? x : other)))
        expectClose(gradient!, numericGradient(among, inputs[i]!, dy), `gradient ${i}`)
      }
    })

    it(`${testCase.name}: each gradient alone is the same to the bit, and constants get none`, async () => {
      const inputs = testCase.shapes.map((shape, i) => random(shape, 60 + i))
      const { shape } = testCase.reference(inputs)
      const dy = shape.length === 1 ? exact([1], [1]) : random(shape, 70)
      const all = await computed(testCase, inputs, dy, () => true)
      for (const wanted of inputs.keys()) {
        const alone = await computed(testCase, inputs, dy, i => i === wanted)
        expect(alone.output).to.deep.equal(all.output)
        for (const [i, gradient] of alone.gradients.entries())
          expect(gradient, `${i}`).to.deep.equal(i === wanted ? all.gradients[i] : null)
      }
      const none = await computed(testCase, inputs, dy, () => false)
      expect(none.gradients.every(gradient => gradient === null)).to.equal(true)
    })
  }

  describe('headLoss', () => {
    it('gives the nats of the targets that count, in order', async () => {
      const [hidden, head] = [random([5, 3], 1), random([6, 3], 2)]
      const tape = new Tape(backend(), 'forward')
      const variables = [hidden, head].map(x => constant(upload(tape, x)))
      const { nats } = headLoss(tape, variables[0]!, variables[1]!, targets)
      const got = []
      for (const tensor of nats) got.push(...(await backend().download(tensor)))
      const all = reference.crossEntropy(reference.matmul(hidden, head, false, true), targets).values
      expectClose(Float32Array.from(got), exact([3], [all[0]!, all[2]!, all[3]!]), 'nats')
      tape.dispose()
      for (const tensor of [...nats, ...variables.map(({ tensor }) => tensor)]) backend().free(tensor)
    })

    it('takes few rows at a time where the vocabulary is large, with the same result', async () => {
      // Two rows of logits are as many as are held at once.
      const vocabulary = 2 ** 22
      const hidden = random([3, 1], 3)
      // Mostly zeros: sums of four million terms would be worth little in float32.
      const rows = Float32Array.from({ length: vocabulary }, (_, i) => (i % 65_537 === 0 ? (i % 7) - 3.5 : 0))
      const head = backend().upload(rows, [vocabulary, 1])
      const wanted = Int32Array.of(0, 65_537, vocabulary - 1)
      const loss = async (rows: number[]) => {
        const tape = new Tape(backend(), 'record')
        const picked = exact(
          [rows.length, 1],
          rows.map(row => hidden.values[row]!)
        )
        const x = parameter(upload(tape, picked))
        const { nats, mean } = headLoss(
          tape,
          x,
          constant(head),
          Int32Array.from(rows, row => wanted[row]!)
        )
        tape.backward(mean, backend().zeros([1]))
        const values = []
        for (const tensor of nats) {
          values.push(...(await backend().download(tensor)))
          backend().free(tensor)
        }
        const gradient = tape.take(x)!
        const slopes = [...(await backend().download(gradient))]
        for (const tensor of [gradient, x.tensor]) backend().free(tensor)
        tape.dispose()
        return { pieces: nats.length, values, slopes }
      }
      const together = await loss([0, 1, 2])
      expect(together.pieces).to.equal(2)
      for (const row of [0, 1, 2]) {
        const alone = await loss([row])
        expect(alone.pieces).to.equal(1)
        expect(together.values[row]).to.equal(alone.values[0])
        expect(together.slopes[row]).to.be.closeTo(alone.slopes[0]! / 3, 1e-5)
      }
      backend().free(head)
    })
  })
})
