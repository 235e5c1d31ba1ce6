import { expect } from 'chai'
import { backendMemory, memoryBudget } from '../../../node/platform/memory-budget.ts'

const machine = { memoryBytes: () => 16e9, gpuMemoryBytes: async () => 8e9 }
const adapterLength = 1e6

describe('the memory budget of a trainer', () => {
  it('is most of what the machine has, less what the program takes, where nothing is said', async () => {
    const budget = await memoryBudget('cpu', {}, machine, 1, adapterLength)
    expect(budget.allowedBytes).to.equal(12.8e9)
    expect(budget.besidesBytes).to.be.within(250e6, 450e6)
    expect(budget.tensorBytes).to.be.within(0.85 * 12.4e9, 0.9 * 12.6e9)
  })

  it('is what the person allows, shared among the trainers', async () => {
    const [one, two] = await Promise.all(
      [1, 2].map(trainers => memoryBudget('cpu', { memoryMaxBytes: 2e9 }, machine, trainers, adapterLength))
    )
    expect(one!.allowedBytes).to.equal(2e9)
    expect(one!.tensorBytes).to.be.within(0.9 * 1.5e9, 0.9 * 1.7e9)
    expect(two!.tensorBytes).to.be.below(one!.tensorBytes / 2)
  })

  it('is never below nothing', async () => {
    const budget = await memoryBudget('tensorflow', { memoryMaxBytes: 1e8 }, machine, 4, adapterLength)
    expect(budget.tensorBytes).to.equal(0)
  })

  it('is at most what a WebAssembly memory addresses', async () => {
    const budget = await memoryBudget('wasm', {}, machine, 1, adapterLength)
    expect(budget.tensorBytes).to.equal(0.9 * 2 ** 32)
    expect(budget.where).to.equal('in a WebAssembly memory')
    const allowed = { memoryMaxBytes: 2e9 }
    expect((await memoryBudget('wasm', allowed, machine, 1, adapterLength)).where).to.equal('in memory')
  })

  it("is the card's on a card: what is allowed there, or most of it, or any amount if it does not say", async () => {
    const limits = { memoryMaxBytes: 1e9 }
    const bytes = async (more: object, facts = machine) =>
      (await memoryBudget('cuda', { ...limits, ...more }, facts, 1, adapterLength)).tensorBytes
    expect(await bytes({ gpuMemoryMaxBytes: 4e9 })).to.equal(0.9 * 4e9)
    expect(await bytes({})).to.be.closeTo(0.9 * 0.9 * 8e9, 1)
    const silent = { ...machine, gpuMemoryBytes: async () => null as unknown as number }
    expect(await bytes({}, silent)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('is what the backend is held to, only if the person has set one', () => {
    expect(backendMemory({}, 2, adapterLength)).to.deep.equal({})
    const { memoryMaxBytes } = backendMemory({ memoryMaxBytes: 2e9 }, 2, adapterLength)
    expect(memoryMaxBytes).to.be.within(0.7e9, 0.9e9)
  })
})
