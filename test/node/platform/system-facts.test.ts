import { totalmem } from 'node:os'
import { expect } from 'chai'
import { systemFacts } from '../../../node/platform/system-facts.ts'

describe('what this machine says of itself', () => {
  it('is its memory, at most what the system has', () => {
    expect(systemFacts.memoryBytes()).to.be.within(64e6, totalmem())
  })

  it('is its battery, or that there is none that it tells of', async () => {
    const supply = await systemFacts.powerSupply()
    if (supply === null) return
    expect(supply.isOnBattery).to.be.a('boolean')
    if (supply.percent !== null) expect(supply.percent).to.be.within(0, 100)
  })

  it('is the memory of its largest card, or that there is none', async () => {
    const bytes = await systemFacts.gpuMemoryBytes()
    if (bytes !== null) expect(bytes).to.be.above(2 ** 20)
  })
})
