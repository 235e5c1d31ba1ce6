import * as tf from '@tensorflow/tfjs'
import { expect } from 'chai'
import type { BackendName } from '../../../node/backend/stock-backend.ts'
import { attention, causalMask } from '../../../node/model/attention.ts'
import { crossEntropy, crossEntropySum } from '../../../node/model/cross-entropy.ts'
import { embed } from '../../../node/model/embedding.ts'
import { adaptedLinear, frozenLinear, frozenWeight, trainedLinear } from '../../../node/model/linear.ts'
import { rmsNorm } from '../../../node/model/rms-norm.ts'
import { rotaryTable } from '../../../node/model/rope.ts'
import { swiglu } from '../../../node/model/swiglu.ts'
import {
  type Rows,
  referenceAttention,
  referenceCrossEntropy,
  referenceLinear,
  referenceRmsNorm,
  referenceSwiglu
} from '../../support/reference-llama.ts'
import { randomValues, useBackend } from '../../support/tiny-model.ts'

/** An operation under test: tensors in, tensor out; and the same in float64 loops over flat arrays. */
interface Case {
  readonly name: string
  readonly shapes: ReadonlyArray<readonly number[]>
  readonly run: (inputs: tf.Tensor[]) => tf.Tensor
  readonly reference: (inputs: number[][]) => number[]
}

const rows = (flat: readonly number[], width: number): Rows =>
  Array.from({ length: flat.length / width }, (_, n) => flat.slice(n * width, (n + 1) * width))

/** Central differences of sum(seed * reference(inputs)) in float64. */
function numericalGradient(
  { reference }: Case,
  inputs: number[][],
  seed: Float32Array,
  which: number
): number[] {
  const step = 1e-5
  const weighted = () => reference(inputs).reduce((sum, value, i) => sum + value * seed[i]!, 0)
  return inputs[which]!.map((value, i) => {
    inputs[which]![i] = value + step
    const above = weighted()
    inputs[which]![i] = value - step
    const below = weighted()
    inputs[which]![i] = value
    return (above - below) / (2 * step)
  })
}

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(got.length).to.equal(expected.length)
  const scale = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1)
  for (let i = 0; i < got.length; i++)
    expect(got[i], `element ${i}`).to.be.closeTo(expected[i]!, tolerance * scale)
}

/** A tensor that an operation closes over: it must outlive the forward pass, which frees what was made in it. */
const frozen = <T extends tf.Tensor>(values: Float32Array, shape: number[]): T =>
  tf.keep(tf.tensor(values, shape)) as T

const frozenValues = randomValues(5 * 3, 50)
const factorA = randomValues(2 * 3, 51)
const factorB = randomValues(5 * 2, 52)

/** x (W + 0.5 B A)ᵀ with the factors as given. */
function adaptedReference(x: readonly number[], a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const xs = rows(x, 3)
  const branch = referenceLinear(referenceLinear(xs, a), b).flat()
  return referenceLinear(xs, frozenValues)
    .flat()
    .map((value, i) => value + 0.5 * branch[i]!)
}

function adaptedCase(trainsA: boolean, trainsB: boolean): Case {
  const name = `adaptedLinear, ${[trainsA && 'A', trainsB && 'B'].filter(Boolean).join(' and ') || 'nothing'} trained`
  const pick = <T>(rest: T[], a: T, b: T): [T, T] => {
    const left = [...rest]
    return [trainsA ? left.shift()! : a, trainsB ? left.shift()! : b]
  }
  return {
    name,
    shapes: [[7, 3], ...(trainsA ? [[2, 3]] : []), ...(trainsB ? [[5, 2]] : [])],
    run: ([x, ...rest]) => {
      const [a, b] = pick(rest as tf.Tensor2D[], frozen(factorA, [2, 3]), frozen(factorB, [5, 2]))
      const weight = frozenWeight(tf.tensor2d(frozenValues, [5, 3]))
      return adaptedLinear(x as tf.Tensor2D, weight, { a, b, scale: 0.5, trains: { a: trainsA, b: trainsB } })
    },
    reference: ([x, ...rest]) => {
      const [a, b] = pick<ArrayLike<number>>(rest, factorA, factorB)
      return adaptedReference(x!, a, b)
    }
  }
}

const gain = randomValues(6, 53)
const ids = Int32Array.of(3, 0, 3, 2)
const targets = Int32Array.of(4, -1, 0, 2)
const heads = { headCount: 4, keyValueHeadCount: 2, headSize: 4, ropeTheta: 100 }

function runAttention(qkv: tf.Tensor): tf.Tensor {
  const mask = causalMask(5, 2)
  return attention(qkv as tf.Tensor2D, { batch: 2, time: 5, ...heads, rotary: rotaryTable(5, 4, 100), mask })
}

function attentionReference(qkv: readonly number[]): number[] {
  const all = rows(qkv, 32)
  return [all.slice(0, 5), all.slice(5)].flatMap(sequence => {
    const columns = (from: number, to: number) => sequence.map(row => row.slice(from, to))
    return referenceAttention(columns(0, 16), columns(16, 24), columns(24, 32), heads).flat()
  })
}

const cases: Case[] = [
  {
    name: 'trainedLinear, more in than out',
    shapes: [
      [7, 5],
      [3, 5]
    ],
    run: ([x, w]) => trainedLinear(x as tf.Tensor2D, w as tf.Tensor2D),
    reference: ([x, w]) => referenceLinear(rows(x!, 5), w!).flat()
  },
  {
    name: 'trainedLinear, more out than in',
    shapes: [
      [7, 3],
      [5, 3]
    ],
    run: ([x, w]) => trainedLinear(x as tf.Tensor2D, w as tf.Tensor2D),
    reference: ([x, w]) => referenceLinear(rows(x!, 3), w!).flat()
  },
  {
    name: 'frozenLinear',
    shapes: [[7, 3]],
    run: ([x]) => frozenLinear(x as tf.Tensor2D, frozenWeight(tf.tensor2d(frozenValues, [5, 3]))),
    reference: ([x]) => referenceLinear(rows(x!, 3), frozenValues).flat()
  },
  adaptedCase(true, true),
  adaptedCase(true, false),
  adaptedCase(false, true),
  adaptedCase(false, false),
  {
    name: 'rmsNorm, gain frozen',
    shapes: [[4, 6]],
    run: ([x]) => rmsNorm(x as tf.Tensor2D, frozen(gain, [6]), 1e-3, false),
    reference: ([x]) => referenceRmsNorm(rows(x!, 6), gain, 1e-3).flat()
  },
  {
    name: 'rmsNorm, gain trained',
    shapes: [[4, 6], [6]],
    run: ([x, g]) => rmsNorm(x as tf.Tensor2D, g as tf.Tensor1D, 1e-3, true),
    reference: ([x, g]) => referenceRmsNorm(rows(x!, 6), g!, 1e-3).flat()
  },
  {
    name: 'swiglu',
    shapes: [[3, 10]],
    run: ([x]) => swiglu(x as tf.Tensor2D),
    reference: ([x]) => {
      const all = rows(x!, 10)
      return referenceSwiglu(
        all.map(row => row.slice(0, 5)),
        all.map(row => row.slice(5))
      ).flat()
    }
  },
  {
    name: 'embed, trained, with a token twice',
    shapes: [[4, 3]],
    run: ([table]) => embed(table as tf.Tensor2D, ids, true),
    reference: ([table]) => Array.from(ids).flatMap(id => table!.slice(id * 3, (id + 1) * 3))
  },
  {
    name: 'crossEntropy, one target ignored',
    shapes: [[4, 5]],
    run: ([logits]) => crossEntropy(logits as tf.Tensor2D, targets),
    reference: ([logits]) => [referenceCrossEntropy(rows(logits!, 5), targets)]
  },
  {
    name: 'attention',
    shapes: [[10, 32]],
    run: ([qkv]) => runAttention(qkv!),
    reference: ([qkv]) => attentionReference(qkv!)
  }
]

for (const backend of ['wasm', 'cpu'] as BackendName[]) {
  describe(`operations of the decoder on ${backend}`, () => {
    useBackend(backend)

    for (const testCase of cases) {
      it(`${testCase.name}: values and gradients are those of float64 loops`, () => {
        const flat = testCase.shapes.map((shape, i) =>
          randomValues(tf.util.sizeFromShape([...shape]), 60 + i)
        )
        const inputs = flat.map(values => Array.from(values))
        const expected = testCase.reference(inputs)
        const seed = randomValues(expected.length, 70)
        const { values, gradients } = computed(testCase, flat, seed)
        expectClose(values, expected, 3e-6)
        for (const [i, gradient] of gradients.entries()) {
          expectClose(gradient, numericalGradient(testCase, inputs, seed, i), 1e-5)
        }
      })
    }

    it('crossEntropy is exact where the probability underflows', () => {
      const logits = tf.tensor2d([0, 200, -300, 0], [1, 4])
      expect(crossEntropySum(logits, Int32Array.of(2))).to.be.closeTo(500, 1e-9)
      expect(crossEntropySum(logits, Int32Array.of(1))).to.equal(0)
      logits.dispose()
    })
  })
}

/** Values of the operation, and the gradients of sum(seed * values). */
function computed({ shapes, run }: Case, flat: readonly Float32Array[], seed: Float32Array) {
  return tf.tidy(() => {
    const inputs = flat.map((values, i) => tf.tensor(values, [...shapes[i]!]))
    const output = run(inputs)
    const dy = tf.tensor(seed, output.shape)
    const gradients = tf.grads((...args) => run(args as tf.Tensor[]))(inputs, dy)
    const read = (tensor: tf.Tensor) => Float32Array.from(tensor.dataSync())
    return { values: read(output), gradients: gradients.map(read) } as unknown as tf.TensorContainer
  }) as unknown as { values: Float32Array; gradients: Float32Array[] }
}
