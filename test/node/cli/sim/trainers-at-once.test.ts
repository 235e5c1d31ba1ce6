import { expect } from 'chai'
import { trainersAtOnce } from '../../../../node/cli/sim/trainers-at-once.ts'

describe('trainers of a simulation', () => {
  it('are as many as there are threads and peers for a small base', () => {
    expect(trainersAtOnce(400_000, 2, 8)).to.equal(2)
    expect(trainersAtOnce(400_000, 16, 8)).to.equal(8)
  })

  it('are one for a large base, so that it is held once', () => {
    expect(trainersAtOnce(134_515_008, 16, 8)).to.equal(1)
  })
})
