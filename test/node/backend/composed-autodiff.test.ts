import * as tf from '@tensorflow/tfjs'
import { expect } from 'chai'
import type { Activation, AttentionShape, Backend, Tensor } from '../../../node/backend/backend.ts'
import { openComposedBackend } from '../../../node/backend/composed/composed-backend.ts'
import { type Exact, exact, expectClose, random } from './conformance/exact.ts'

/** What tfjs differentiates: the operation as one would write it without a thought for speed. */
type Naive = (...inputs: tf.Tensor[]) => tf.Tensor

const activations: Readonly<Record<Activation, (x: tf.Tensor) => tf.Tensor>> = {
  silu: x => tf.div(x, tf.add(tf.exp(tf.neg(x)), 1)),
  gelu: x => tf.mul(tf.div(x, 2), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1)),
  'gelu-tanh': x =>
    tf.mul(
      tf.div(x, 2),
      tf.add(tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3))))), 1)
    ),
  relu: x => tf.maximum(x, 0)
}

function naiveRmsNorm(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  return tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.mul(x, x), 1, true), 0.01))), gain)
}

function naiveLayerNorm(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  return naiveRmsNorm(tf.sub(x, tf.mean(x, 1, true)), gain)
}

/** Head by head, with keys and values cut out for each. */
function naiveAttention({
  batch,
  time,
  headCount,
  keyValueHeadCount,
  headSize,
  scale,
  window
}: AttentionShape): Naive {
  const reach = window ?? time
  const mask = Float32Array.from({ length: time * time }, (_, i) => {
    const distance = Math.floor(i / time) - (i % time)
    return distance < 0 || distance >= reach ? -1e9 : 0
  })
  return (q, k, v) => {
    const block = (x: tf.Tensor, sequence: number, head: number) =>
      tf.slice(x as tf.Tensor2D, [sequence * time, head * headSize], [time, headSize])
    const sequences = Array.from({ length: batch }, (_, sequence) => {
      const heads = Array.from({ length: headCount }, (_, head) => {
        const keyHead = Math.floor((head * keyValueHeadCount) / headCount)
        const scores = tf.matMul(block(q, sequence, head), tf.transpose(block(k, sequence, keyHead)))
        const weights = tf.softmax(
          tf.add(tf.mul(scores, scale), tf.tensor2d(mask, [time, time]))
        ) as tf.Tensor2D
        return tf.matMul(weights, block(v, sequence, keyHead))
      })
      return tf.concat(heads, 1)
    })
    return tf.concat(sequences, 0)
  }
}

/** Value and gradients of `naive` by tfjs. */
function differentiated(naive: Naive, inputs: readonly Exact[], dy: Exact): { y: Exact; gradients: Exact[] } {
  tf.engine().startScope()
  try {
    const tensors = inputs.map(upload)
    const gradients = tf.grads(naive)(tensors, upload(dy))
    return { y: downloaded(naive(...tensors)), gradients: gradients.map(downloaded) }
  } finally {
    tf.engine().endScope()
  }
}

function upload({ shape, values }: Exact): tf.Tensor {
  return tf.tensor(Float32Array.from(values), [...shape])
}

function downloaded(tensor: tf.Tensor): Exact {
  return exact(tensor.shape, tensor.dataSync())
}

describe("the composed backend's closed gradients against TensorFlow.js's own differentiation", () => {
  let backend: Backend
  before(async () => {
    backend = await openComposedBackend({
      tf,
      tfjsBackend: 'cpu',
      name: 'cpu',
      description: 'plain JavaScript'
    })
  })
  after(() => backend.close())
  afterEach(() => {
    expect(backend.memory().tensors).to.equal(0)
  })

  const put = ({ shape, values }: Exact) => backend.upload(Float32Array.from(values), shape)

  /** Holds tensors against what is expected and frees them. */
  async function expectAll(tensors: readonly Tensor[], expected: readonly Exact[]): Promise<void> {
    expect(tensors.length).to.equal(expected.length)
    for (const [i, tensor] of tensors.entries()) {
      expectClose(await backend.download(tensor), expected[i]!, `result ${i}`)
      backend.free(tensor)
    }
  }

  for (const kind of ['silu', 'gelu', 'gelu-tanh', 'relu'] as const) {
    it(`gate with ${kind}`, async () => {
      const inputs = [random([7, 9], 1, 3), random([7, 9], 2)]
      const dy = random([7, 9], 3)
      const { y, gradients } = differentiated((x, up) => tf.mul(activations[kind](x), up), inputs, dy)
      const [slope, gate, up] = [put(dy), put(inputs[0]!), put(inputs[1]!)]
      await expectAll([backend.gate(kind, gate, up)], [y])
      const got = backend.gateGradient(kind, slope, gate, up)
      await expectAll([got.gate, got.up], gradients)
      for (const tensor of [slope, gate, up]) backend.free(tensor)
    })
  }

  it('rmsNorm', async () => {
    const inputs = [random([5, 33], 1, 2), random([33], 2)]
    const dy = random([5, 33], 3)
    const expected = differentiated(naiveRmsNorm, inputs, dy)
    const [slope, x, gain] = [put(dy), put(inputs[0]!), put(inputs[1]!)]
    const { y, inverse } = backend.rmsNorm(x, gain, 0.01)
    await expectAll(
      [backend.rmsNormGradient(slope, x, gain, inverse), backend.rmsNormGainGradient(slope, x, inverse), y],
      [...expected.gradients, expected.y]
    )
    for (const tensor of [slope, x, gain, inverse]) backend.free(tensor)
  })

  it('layerNorm', async () => {
    const inputs = [random([5, 33], 1, 2), random([33], 2)]
    const dy = random([5, 33], 3)
    const expected = differentiated(naiveLayerNorm, inputs, dy)
    const [slope, x, gain, bias] = [put(dy), put(inputs[0]!), put(inputs[1]!), backend.zeros([33])]
    const { y, mean, inverse } = backend.layerNorm(x, gain, bias, 0.01)
    await expectAll(
      [
        backend.layerNormGradient(slope, x, gain, mean, inverse),
        backend.layerNormGainGradient(slope, x, mean, inverse),
        y
      ],
      [...expected.gradients, expected.y]
    )
    for (const tensor of [slope, x, gain, bias, mean, inverse]) backend.free(tensor)
  })

  for (const window of [null, 3]) {
    it(`attention${window === null ? '' : ` with a window of ${window}`}`, async () => {
      const shape = { batch: 2, time: 7, headCount: 4, keyValueHeadCount: 2, headSize: 6, scale: 0.5, window }
      const inputs = [random([14, 24], 1, 2), random([14, 12], 2, 2), random([14, 12], 3)]
      const dy = random([14, 24], 4)
      const expected = differentiated(naiveAttention(shape), inputs, dy)
      const [q, k, v] = inputs.map(put) as [Tensor, Tensor, Tensor]
      const slope = put(dy)
      const { y, saved } = backend.attention(q, k, v, shape)
      const got = backend.attentionGradient(slope, q, k, v, y, saved, shape)
      await expectAll([got.q, got.k, got.v, y], [...expected.gradients, expected.y])
      for (const tensor of [q, k, v, slope, ...saved]) backend.free(tensor)
    })
  }

  it('crossEntropy', async () => {
    const targets = Int32Array.of(3, 0, 60, 7)
    const logits = random([4, 61], 1, 4)
    const naive: Naive = x =>
      tf.neg(tf.sum(tf.mul(tf.logSoftmax(x), tf.oneHot(tf.tensor1d(targets, 'int32'), 61)), 1))
    const expected = differentiated(naive, [logits], exact([4], [0.25, 0.25, 0.25, 0.25]))
    const tensor = put(logits)
    const nats = backend.crossEntropy(tensor, targets, 0.25)
    await expectAll([nats, tensor], [expected.y, ...expected.gradients])
  })
})
