import { expect } from 'chai'
import { runBackendTrial } from '../../../../node/platform/doctor/run-backend-trial.ts'

const program = new URL('../../../support/ending-process.ts', import.meta.url)

describe("a backend's trial", () => {
  it('opens the backend, checks its product and times it', async () => {
    const outcome = await runBackendTrial('wasm', 2)
    if (outcome.kind !== 'works') throw new Error(JSON.stringify(outcome))
    expect(outcome).to.include({ threads: 2, notByItself: null })
    expect(outcome.description).to.match(/^WebAssembly SIMD/)
    expect(outcome.gflopPerSecond).to.be.above(0.01)
    expect(outcome.gflopPerCpuSecond).to.be.above(0.01)
  })

  it('passes on what a process finds', async () => {
    expect(await runBackendTrial('cpu', 1, program)).to.deep.equal({
      kind: 'wrong',
      reason: '7 instead of 6'
    })
  })

  it('survives a process that a signal ends, and one that exits with words', async () => {
    expect(await runBackendTrial('cuda', 1, program)).to.deep.equal({
      kind: 'died',
      reason: 'its process ended with signal SIGILL'
    })
    expect(await runBackendTrial('tensorflow', 1, program)).to.deep.equal({
      kind: 'died',
      reason: 'its process ended with exit code 9: second word / third word / last word'
    })
  })

  it('does not wait for ever', async () => {
    expect(await runBackendTrial('webgpu', 1, program, 300)).to.deep.equal({
      kind: 'died',
      reason: 'no result within 0.3 s'
    })
  })
})
