import { expect } from 'chai'
import fc from 'fast-check'
import type { Tensor } from '../../../node/backend/backend.ts'
import { activate, add, gate } from '../../../node/backend/ops/elementwise.ts'
import { linear } from '../../../node/backend/ops/linear.ts'
import { rmsNorm } from '../../../node/backend/ops/norm.ts'
import { gather, splitColumns } from '../../../node/backend/ops/table.ts'
import { constant, parameter, Tape, type TapeMode, type Variable } from '../../../node/backend/tape.ts'
import { useBackend } from '../../support/test-backends.ts'
import { type Exact, expectClose, numericGradient, random } from './conformance/exact.ts'
import * as reference from './conformance/reference.ts'

/** A step of a random program: an operation on values computed before, by their places. */
interface Instruction {
  readonly kind: 'add' | 'silu' | 'gate' | 'linear' | 'norm'
  readonly left: number
  readonly right: number
}

/** [2, 3], as is every value of a program but its weight [3, 3] and its gain [3]. */
const shape = [2, 3]
const inputCount = 3

const instruction = fc.record({
  kind: fc.constantFrom('add', 'silu', 'gate', 'linear', 'norm' as const),
  left: fc.nat(99),
  right: fc.nat(99)
}) as fc.Arbitrary<Instruction>

/** The instructions on anything that can compute them: the last value plus the first. */
function runProgram<V>(
  program: readonly Instruction[],
  inputs: readonly V[],
  operation: (kind: Instruction['kind'], left: V, right: V) => V
): V {
  const values = [...inputs]
  for (const { kind, left, right } of program) {
    values.push(operation(kind, values[left % values.length]!, values[right % values.length]!))
  }
  return operation('add', values.at(-1)!, values[0]!)
}

function onTape(tape: Tape, weight: Variable, gain: Variable) {
  return (kind: Instruction['kind'], left: Variable, right: Variable): Variable => {
    switch (kind) {
      case 'add':
        return add(tape, left, right)
      case 'silu':
        return activate(tape, 'silu', left)
      case 'gate':
        return gate(tape, 'silu', left, right)
      case 'linear':
        return linear(tape, left, weight)
      case 'norm':
        return rmsNorm(tape, left, gain, 0.1)
    }
  }
}

function inFloat64(weight: Exact, gain: Exact) {
  return (kind: Instruction['kind'], left: Exact, right: Exact): Exact => {
    switch (kind) {
      case 'add':
        return reference.sumOf(left, right)
      case 'silu':
        return reference.activate('silu', left)
      case 'gate':
        return reference.gate('silu', left, right)
      case 'linear':
        return reference.matmul(left, weight, false, true)
      case 'norm':
        return reference.rmsNorm(left, gain, 0.1).y
    }
  }
}

describe('Tape', () => {
  const backend = useBackend()
  const upload = ({ shape, values }: Exact): Tensor => backend().upload(Float32Array.from(values), shape)
  const put = (rows: readonly (readonly number[])[]): Tensor =>
    backend().upload(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length])

  afterEach(() => {
    expect(backend().memory()).to.include({ tensors: 0, bytes: 0 })
  })

  async function taken(tape: Tape, variable: Variable): Promise<number[] | null> {
    const gradient = tape.take(variable)
    if (gradient === null) return null
    const values = [...(await backend().download(gradient))]
    backend().free(gradient)
    return values
  }

  function free(...variables: readonly Variable[]): void {
    for (const { tensor } of variables) backend().free(tensor)
  }

  it('has the gradients of any program, however its values are shared, and frees everything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(instruction, { minLength: 1, maxLength: 7 }), async program => {
        const inputs = Array.from({ length: inputCount }, (_, i) => random(shape, i))
        const [weight, gain, dy] = [random([3, 3], 10), random([3], 11), random(shape, 12)]
        const exactly = (changed: readonly Exact[]): Exact => {
          const [w, g, ...rest] = changed as [Exact, Exact, ...Exact[]]
          return runProgram(program, rest, inFloat64(w, g))
        }
        const all = [weight, gain, ...inputs]
        const tape = new Tape(backend(), 'record')
        const variables = all.map(x => parameter(upload(x)))
        try {
          const [w, g, ...rest] = variables as [Variable, Variable, ...Variable[]]
          const output = runProgram(program, rest, onTape(tape, w, g))
          expectClose(await backend().download(output.tensor), exactly(all), 'value')
          tape.backward(output, upload(dy))
          for (const [i, variable] of variables.entries()) {
            const got = await taken(tape, variable)
            const among = (x: Exact) => exactly(all.map((other, j) => (j === i ? x : other)))
            const expected = numericGradient(among, all[i]!, dy)
            expectClose(
              Float32Array.from(got ?? expected.values.map(() => 0)),
              expected,
              `gradient ${i}`,
              2e-5
            )
          }
        } finally {
          tape.dispose()
          free(...variables)
        }
        expect(backend().memory().tensors).to.equal(0)
      }),
      { numRuns: 60 }
    )
  })

  it('adds up the gradients of a variable that is used several times, and leaves those that it shares alone', async () => {
    const tape = new Tape(backend(), 'record')
    const [a, b] = [parameter(put([[1, 2]])), parameter(put([[3, 4]]))]
    // d/da of (a + b) + a + a is 3; b gets the very tensor that a gets from the first sum.
    const sum = add(tape, add(tape, add(tape, a, b), a), a)
    tape.backward(sum, put([[10, 100]]))
    expect(await taken(tape, a)).to.deep.equal([30, 300])
    expect(await taken(tape, b)).to.deep.equal([10, 100])
    tape.dispose()
    free(a, b)
  })

  it('gives no gradient to constants, nor to what the output does not depend on', async () => {
    const tape = new Tape(backend(), 'record')
    const [a, frozen, other] = [parameter(put([[1]])), constant(put([[2]])), parameter(put([[3]]))]
    const sum = add(tape, a, frozen)
    add(tape, other, frozen)
    tape.backward(sum, put([[7]]))
    expect(await taken(tape, a)).to.deep.equal([7])
    expect([tape.take(frozen), tape.take(other)]).to.deep.equal([null, null])
    tape.dispose()
    free(a, frozen, other)
  })

  it('hands on nothing for the outputs of an operation that nobody used', async () => {
    const tape = new Tape(backend(), 'record')
    const x = parameter(put([[1, 2, 3]]))
    const [, middle] = splitColumns(tape, x, [1, 1, 1])
    tape.backward(middle!, put([[5]]))
    expect(await taken(tape, x)).to.deep.equal([0, 5, 0])
    tape.dispose()
    free(x)
  })

  it('frees what it passes on the way back, and keeps nothing but gradients', () => {
    const tape = new Tape(backend(), 'record')
    const x = parameter(put([[1, -2]]))
    let y = x
    for (let i = 0; i < 10; i++) y = activate(tape, 'silu', y)
    expect(backend().memory().tensors).to.equal(11)
    tape.backward(y, put([[1, 1]]))
    expect(backend().memory().tensors).to.equal(2)
    tape.dispose()
    expect(backend().memory().tensors).to.equal(1)
    free(x)
  })

  it('keeps nothing that only a gradient would need if none is wanted', () => {
    const x = constant(put([[1, -2]]))
    const gain = constant(backend().upload(Float32Array.of(1, 1), [2]))
    const tape = new Tape(backend(), 'record')
    const outputs = [rmsNorm(tape, x, gain, 0.1), gate(tape, 'silu', x, x)]
    expect(outputs.some(({ needsGradient }) => needsGradient)).to.equal(false)
    expect(backend().memory().tensors).to.equal(4)
    tape.dispose()
    free(x, gain)
  })

  /** Three layers that share nothing, each with a residual and a table of its own. */
  async function throughLayers(
    mode: TapeMode
  ): Promise<{ output: number[]; gradients: (number[] | null)[] }> {
    const tape = new Tape(backend(), mode)
    const x = parameter(upload(random([4, 6], 1)))
    const weights = [2, 3, 4].map(seed => parameter(upload(random([6, 6], seed))))
    const tables = [5, 6, 7].map(seed => parameter(upload(random([2, 6], seed))))
    let y: Variable = x
    for (const [i, weight] of weights.entries()) {
      y = tape.layer(y, (tape, x) => {
        const picked = gather(tape, tables[i]!, Int32Array.of(0, 1, 1, 0))
        return add(tape, gate(tape, 'silu', linear(tape, x, weight), picked), x)
      })
    }
    const output = [...(await backend().download(y.tensor))]
    if (mode === 'forward') {
      tape.dispose()
      free(x, ...weights, ...tables)
      return { output, gradients: [] }
    }
    tape.backward(y, upload(random([4, 6], 8)))
    const gradients = []
    for (const variable of [x, ...weights, ...tables]) gradients.push(await taken(tape, variable))
    tape.dispose()
    free(x, ...weights, ...tables)
    return { output, gradients }
  }

  it('computes the same bits by recording and by checkpointing layers, and forward alone', async () => {
    const recorded = await throughLayers('record')
    expect(await throughLayers('checkpoint')).to.deep.equal(recorded)
    expect((await throughLayers('forward')).output).to.deep.equal(recorded.output)
    expect(recorded.gradients.every(gradient => gradient?.some(value => value !== 0))).to.equal(true)
  })

  it('adds up over layers the gradients of what they share', async () => {
    for (const mode of ['record', 'checkpoint'] as const) {
      const tape = new Tape(backend(), mode)
      const [x, shared] = [parameter(put([[1, 2]])), parameter(put([[3, 4]]))]
      let y: Variable = x
      for (let i = 0; i < 4; i++) y = tape.layer(y, (tape, x) => add(tape, x, shared))
      tape.backward(y, put([[1, 10]]))
      expect(await taken(tape, shared)).to.deep.equal([4, 40])
      expect(await taken(tape, x)).to.deep.equal([1, 10])
      tape.dispose()
      free(x, shared)
    }
  })

  it('holds the last layer without gradients, what enters each with checkpoints, everything otherwise', () => {
    const held: Record<string, number[]> = {}
    for (const mode of ['forward', 'checkpoint', 'record'] as const) {
      const tape = new Tape(backend(), mode)
      const x = parameter(put([[1, 2]]))
      let y: Variable = x
      held[mode] = [0, 1, 2, 3].map(() => {
        y = tape.layer(y, (tape, x) => activate(tape, 'silu', activate(tape, 'silu', add(tape, x, x))))
        return backend().memory().tensors - 1
      })
      tape.dispose()
      free(x)
    }
    expect(held).to.deep.equal({ forward: [1, 1, 1, 1], checkpoint: [1, 2, 3, 4], record: [3, 6, 9, 12] })
  })

  it('frees everything if a layer fails, on the way there and on the way back', () => {
    const failing = (failAt: number) => {
      let runs = 0
      return (tape: Tape, x: Variable): Variable => {
        const y = add(tape, activate(tape, 'silu', x), x)
        if (++runs === failAt) throw new RangeError('on purpose')
        return y
      }
    }
    for (const mode of ['forward', 'record', 'checkpoint'] as const) {
      for (const failAt of [1, 2]) {
        const tape = new Tape(backend(), mode)
        const x = parameter(put([[1, 2]]))
        const body = failing(failAt)
        expect(() => {
          const y = tape.layer(x, body)
          // With checkpoints the second run of the layer is the one on the way back.
          if (mode === 'checkpoint') tape.backward(y, put([[1, 1]]))
          else tape.layer(y, body)
        }).to.throw(RangeError, 'on purpose')
        tape.dispose()
        free(x)
        expect(backend().memory().tensors, `${mode}, run ${failAt}`).to.equal(0)
      }
    }
  })

  it('refuses a layer that hands its input back', () => {
    const tape = new Tape(backend(), 'forward')
    const x = constant(put([[1]]))
    expect(() => tape.layer(x, (_, x) => x)).to.throw(RangeError, /computed by the layer/)
    tape.dispose()
    free(x)
  })
})
