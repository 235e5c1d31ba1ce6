import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { packageDir } from '../../../node/platform/package-dir.ts'

function bench(...args: string[]) {
  const script = 'scripts/bench/network.ts'
  return spawnSync(process.execPath, [script, ...args], { cwd: packageDir(), encoding: 'utf8' })
}

describe('the benchmark of the network', function () {
  this.timeout(60_000)

  it('prints one JSON object, whose ratios are those of its figures', () => {
    const { status, stdout, stderr } = bench(
      '--json',
      '--parts',
      'blob',
      '--megabytes',
      '4',
      '--repeats',
      '1',
      '--transports',
      'tcp'
    )
    expect(status, stderr).to.equal(0)
    const { blob, machine } = JSON.parse(stdout)
    expect(blob.map(({ transport }: { transport: string }) => transport)).to.deep.equal(['tcp'])
    const [rate] = blob
    for (const name of ['mbPerSecond', 'bareStreamMbPerSecond', 'rawTcpMbPerSecond'])
      expect(rate[name], name).to.be.above(0)
    expect(rate.ratioToBareStream).to.be.closeTo(rate.mbPerSecond / rate.bareStreamMbPerSecond, 1e-9)
    expect(rate.ratioToRawTcp).to.be.closeTo(rate.mbPerSecond / rate.rawTcpMbPerSecond, 1e-9)
    expect(machine.cores).to.be.above(0)
  })

  it('refuses what it does not know', () => {
    for (const wrong of [['--transports', 'pigeon'], ['--colour']]) {
      const { status, stderr } = bench(...wrong)
      expect(status, wrong.join(' ')).to.equal(2)
      expect(stderr).to.contain('usage: npm run bench:network')
    }
  })
})
