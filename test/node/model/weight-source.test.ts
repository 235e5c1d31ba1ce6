import { expect } from 'chai'
import { ModelError } from '../../../node/model/errors.ts'
import { memoryWeights } from '../../../node/model/weight-source.ts'

describe('weights in memory', () => {
  const weights = memoryWeights(new Map([['w', { shape: [2, 1], data: Float32Array.of(1, -2) }]]))

  it('are read by name, and a change to what was read does not change them', async () => {
    const first = await weights.read('w')
    first[0] = 9
    expect(await weights.read('w')).to.deep.equal(Float32Array.of(1, -2))
    expect(weights.shapeOf('w')).to.deep.equal([2, 1])
    expect([...weights.names()]).to.deep.equal(['w'])
  })

  it('refuse a name that they do not have, and say which', async () => {
    expect(weights.shapeOf('v')).to.equal(undefined)
    const error = await weights.read('v').catch(error => error)
    expect(error).to.be.instanceOf(ModelError)
    expect(error.code).to.equal('TENSOR_MISMATCH')
    expect(error.message).to.include('no tensor v')
  })
})
