import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'chai'
import { openComposedBackend } from '../../../node/backend/composed/composed-backend.ts'
import { openCpuBackend } from '../../../node/backend/composed/cpu-backend.ts'
import { BackendError } from '../../../node/backend/errors.ts'
import { describeBackend } from './conformance/backend.ts'
import { random } from './conformance/exact.ts'
import { kernelCalls } from './conformance/kernel-calls.ts'

describeBackend('cpu', openCpuBackend)

describe('the composed backend', () => {
  it('leaves no tensor in TensorFlow.js: none by a kernel used again, none at all once closed', async () => {
    const before = tf.memory().numTensors
    const backend = await openCpuBackend()
    const run = () => {
      for (const call of kernelCalls) {
        const inputs = call.inputs.map((shape, i) =>
          backend.upload(Float32Array.from(random(shape, i).values), shape)
        )
        for (const tensor of [...call.run(backend, inputs), ...inputs]) backend.free(tensor)
      }
    }
    // The first time around, masks are made that later ones use again.
    run()
    const once = tf.memory().numTensors
    run()
    expect(tf.memory().numTensors).to.equal(once)
    const kept = backend.zeros([3, 3])
    await backend.close()
    expect(tf.memory().numTensors).to.equal(before)
    expect(() => backend.columnSums(kept)).to.throw(BackendError)
  })

  it('keeps few masks, however many shapes there are', async () => {
    const backend = await openCpuBackend()
    const x = backend.zeros([1, 2])
    const attend = (length: number) => {
      const past = {
        keys: backend.zeros([length, 2]),
        values: backend.zeros([length, 2]),
        length,
        shared: false
      }
      const shape = {
        batch: 1,
        time: 1,
        headCount: 1,
        keyValueHeadCount: 1,
        headSize: 2,
        scale: 1,
        window: 2
      }
      const { y, saved } = backend.attention(x, x, x, shape, past)
      for (const tensor of [y, ...saved, past.keys, past.values]) backend.free(tensor)
      return tf.memory().numTensors
    }
    for (let length = 2; length < 20; length++) attend(length)
    const many = tf.memory().numTensors
    for (let length = 20; length < 40; length++) expect(attend(length)).to.equal(many)
    await backend.close()
  })

  it('counts what a kernel holds in passing into the peak', async () => {
    const backend = await openCpuBackend()
    const x = backend.zeros([100, 100])
    // Gate and up, and inside at least the sigmoid.
    backend.free(backend.gate('silu', x, x))
    expect(backend.memory().peakBytes).to.be.at.least(3 * 40_000)
    await backend.close()
  })

  it('works beside another current backend of TensorFlow.js', async () => {
    const backend = await openCpuBackend()
    tf.registerBackend('none', () => ({ dispose() {} }) as tf.KernelBackend)
    await tf.setBackend('none')
    const sums = backend.columnSums(backend.upload(Float32Array.of(1, 2), [2, 1]))
    expect([...(await backend.download(sums))]).to.deep.equal([3])
    await backend.close()
    tf.removeBackend('none')
  })

  it('gives no results of a device that has failed, and is closed once', async () => {
    let fault: Error | null = null
    let closings = 0
    const options = { tf, tfjsBackend: 'cpu', name: 'webgpu', description: 'a failing device' } as const
    const backend = await openComposedBackend({ ...options, fault: () => fault, onClose: () => closings++ })
    const x = backend.zeros([2, 2])
    expect(await backend.download(x)).to.have.length(4)
    const refusal = () =>
      backend.download(x).then(
        () => null,
        error => error
      )
    fault = new Error('device lost')
    expect(await refusal()).to.equal(fault)
    fault = new Error('Out of memory while creating a buffer')
    expect(await refusal()).to.include({ name: 'BackendError', code: 'OUT_OF_MEMORY', cause: fault })
    await backend.close()
    await backend.close()
    expect(closings).to.equal(1)
  })

  it('says what is missing when it cannot be opened', async () => {
    const options = { tf, tfjsBackend: 'absent', name: 'webgpu', description: '' } as const
    const error = await openComposedBackend(options).then(
      () => null,
      error => error
    )
    expect(error).to.be.instanceOf(BackendError)
    expect(error.code).to.equal('UNAVAILABLE')
    expect(error.message).to.match(/webgpu cannot be opened: .*absent/)
    await openCpuBackend().then(backend => backend.close())
  })
})
