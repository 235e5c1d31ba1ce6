import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { packageDir } from '../../../node/platform/package-dir.ts'
import { sumRatios } from '../../../scripts/bench/secure-sum/ratios.ts'
import { measureRound, type SumResult } from '../../../scripts/bench/secure-sum/round.ts'

const quiet = () => {}

function bench(...args: string[]) {
  const script = 'scripts/bench/secure-sum.ts'
  return spawnSync(process.execPath, [script, ...args], { cwd: packageDir(), encoding: 'utf8' })
}

describe('the benchmark of the secure sum', () => {
  it('opens the sum of those who are left, and says how far it is from their mean', async () => {
    for (const [laneBits, errorMax] of [
      [16, 1e-5],
      [20, 1e-7],
      [32, 1e-12]
    ] as const) {
      const results = await measureRound({
        n: 7,
        d: 999,
        laneBits,
        dropped: [0, 0.3],
        repeats: 1,
        say: quiet
      })
      expect(results.map(({ dropped }) => dropped)).to.deep.equal([0, 0.3])
      for (const { nmse, uploadBytesPerCoordinate, bytesPerPeer } of results) {
        // Rounding that favours nobody leaves some error, and no more.
        expect(nmse).to.be.within(1e-20, errorMax)
        // 999 coordinates, the weight and the loss.
        expect(bytesPerPeer.maskedInput).to.equal(Math.ceil((1001 * laneBits) / 8))
        expect(uploadBytesPerCoordinate).to.equal(bytesPerPeer.maskedInput / 999)
      }
    }
  })

  it('prints one JSON object', () => {
    const { status, stdout, stderr } = bench('--json', '--cohorts', '4,7', '--dropped', '0.3,0', '--d', '500')
    expect(status, stderr).to.equal(0)
    const { results, ratios } = JSON.parse(stdout)
    expect(results).to.have.length(4)
    expect(results.map(({ n, dropped }: SumResult) => [n, dropped])).to.deep.equal([
      [4, 0],
      [4, 0.3],
      [7, 0],
      [7, 0.3]
    ])
    for (const result of results) {
      expect(result).to.include({ d: 500, laneBits: 16 })
      for (const name of ['peerCpuMs', 'aggregatorCpuMs', 'nsPerElementExpansion', 'nmse'])
        expect(result[name], name).to.be.above(0)
      expect(result.uploadBytesPerCoordinate).to.equal((2 * 502) / 500)
    }
    expect(ratios.toRawCipher).to.be.within(0, 1)
    expect(ratios.toPlainAverage).to.be.above(0)
    expect(ratios.toFlower).to.equal(null)
  })

  it('takes its rates from all results together', () => {
    const result = (n: number, dropped: number, aggregatorCpuMs: number, nsPerElementExpansion: number) =>
      ({ n, dropped, d: 10, laneBits: 16, aggregatorCpuMs, nsPerElementExpansion }) as SumResult
    // 8, 45 * 20 and 64 expansions.
    const results = [result(8, 0, 10, 1), result(64, 0.3, 900, 2), result(64, 0, 80, 1.5)]
    const mean = (8 * 1 + 900 * 2 + 64 * 1.5) / 972
    const { toRawCipher, toPlainAverage, toFlower } = sumRatios(results, 4e9, 20, 10)
    expect(toRawCipher).to.be.closeTo(0.5 / mean, 1e-12)
    expect(toPlainAverage).to.equal(4)
    expect(toFlower).to.be.closeTo(10 / mean, 1e-12)
    expect(sumRatios(results, 4e9, 20, null).toFlower).to.equal(null)
  })

  it('says what it takes, and what is wrong', () => {
    expect(bench('--help').stdout).to.contain('--python PROGRAM')
    for (const [args, expected] of [
      [['--cohorts', '3'], 'whole number from 4'],
      [['--dropped', '0.5', '--cohorts', '8'], 'of 8 peers at most 2 may drop out'],
      [['--lane-bits', '24'], 'is not one of 16, 20, 32'],
      [['--nonsense'], '--nonsense']
    ] as const) {
      const { status, stderr } = bench(...args)
      expect(status).to.equal(2)
      expect(stderr).to.contain(expected)
    }
  })
})
