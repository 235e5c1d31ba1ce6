import { spawnSync } from 'node:child_process'
import { StreamStateError } from '@libp2p/interface'
import { expect } from 'chai'
import { isHarmless } from '../../../node/platform/last-resort.ts'

const MODULE = new URL('../../../node/platform/last-resort.ts', import.meta.url).href

function run(fault: string): { status: number | null; output: string } {
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const { installLastResort } = await import(${JSON.stringify(MODULE)})
       installLastResort(console.log, error => { console.log('fatal', error.message); process.exit(7) })
       setTimeout(() => { ${fault} }, 0)
       setTimeout(() => console.log('still here'), 20)`
    ],
    { encoding: 'utf8' }
  )
  return { status, output: stdout }
}

describe('last resort', () => {
  it('survives a late error of a stream, thrown or rejected, and logs it', () => {
    const late = `const error = new Error('Cannot write to a stream that is closed'); error.name = 'StreamStateError'`
    expect(run(`${late}; void Promise.reject(error); throw error`)).to.deep.equal({
      status: 0,
      output: `${'survived: StreamStateError: Cannot write to a stream that is closed\n'.repeat(2)}still here\n`
    })
  })

  it('ends the process on any other fault', () => {
    expect(run(`throw new TypeError('a bug of ours')`)).to.deep.equal({
      status: 7,
      output: 'fatal a bug of ours\n'
    })
  })

  it("knows libp2p's own errors by name", () => {
    expect(isHarmless(new StreamStateError('late'))).to.equal(true)
    expect(isHarmless(Object.assign(new Error('gone'), { code: 'ECONNRESET' }))).to.equal(true)
    expect(isHarmless(Object.assign(new Error('closed pipe'), { code: 'EPIPE' }))).to.equal(false)
    expect(isHarmless('StreamStateError')).to.equal(false)
  })
})
