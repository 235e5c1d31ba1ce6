import * as tf from '@tensorflow/tfjs'
import { expect } from 'chai'
import { openBackend } from '../../../node/backend/backend.ts'
import { wasmFolder } from '../../../node/platform/wasm-folder.ts'

describe('openBackend', () => {
  it('opens wasm, which computes', async () => {
    expect(await openBackend(wasmFolder())).to.deep.equal({ name: 'wasm', fallbackReason: null })
    expect(tf.getBackend()).to.equal('wasm')
    const sum = tf.add(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]))
    expect(Array.from(sum.dataSync())).to.deep.equal([4, 6])
  })
})
