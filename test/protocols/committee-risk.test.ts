import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { seededRandom } from '../../aggregation/random.ts'
import { packageDir } from '../../node/platform/package-dir.ts'
import { committeeRisk } from '../../protocols/committee-risk.ts'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'

/** Every committee of k from n, as bit sets; the first m are liars. */
function counted(n: number, k: number, m: number) {
  let [committees, stalls, deceives] = [0, 0, 0]
  for (let set = 0; set < 2 ** n; set++) {
    let size = 0
    let liars = 0
    for (let i = 0; i < n; i++) {
      if ((set & (1 << i)) === 0) continue
      size++
      if (i < m) liars++
    }
    if (size !== k) continue
    committees++
    if (liars > faultsOf(k)) stalls++
    if (liars >= quorumOf(k)) deceives++
  }
  return { stalls: stalls / committees, deceives: deceives / committees }
}

describe('the risk of a committee', () => {
  it('is what counting all committees gives', () => {
    for (const [n, k, m] of [
      [9, 4, 2],
      [9, 4, 0],
      [10, 7, 3],
      [12, 5, 12],
      [13, 13, 4],
      [13, 13, 5]
    ] as const) {
      const { stalls, deceives } = committeeRisk(n, k, m)
      const expected = counted(n, k, m)
      expect(stalls, `${n} ${k} ${m}`).to.be.closeTo(expected.stalls, 1e-12)
      expect(deceives, `${n} ${k} ${m}`).to.be.closeTo(expected.deceives, 1e-12)
    }
  })

  it('is what drawing many committees of 16 from 64 gives', () => {
    const random = seededRandom(7)
    const draws = 20_000
    let stalls = 0
    for (let i = 0; i < draws; i++) {
      const members = Array.from({ length: 64 }, (_, id) => id)
      let liars = 0
      for (let drawn = 0; drawn < 16; drawn++) {
        const [id] = members.splice(random.nextUint32() % members.length, 1)
        if (id! < 21) liars++
      }
      if (liars > faultsOf(16)) stalls++
    }
    // Five standard deviations of a proportion near one half.
    expect(stalls / draws).to.be.closeTo(committeeRisk(64, 16, 21).stalls, 5 * Math.sqrt(0.25 / draws))
  })

  it('is what the table in docs/verification.md says', () => {
    const text = readFileSync(join(packageDir(), 'docs', 'verification.md'), 'utf8')
    const rows = [...text.matchAll(/^\| (\d+) \| (\d+) \| (\d+) \| (\S+) \| (\S+) \|$/gm)]
    expect(rows).to.have.length.above(5)
    for (const [row, n, k, m, stalls, deceives] of rows) {
      const risk = committeeRisk(Number(n), Number(k), Number(m))
      expect([shown(risk.stalls), shown(risk.deceives)], row).to.deep.equal([stalls, deceives])
    }
  })
})

/** Two significant digits; 0 where it cannot be. */
function shown(probability: number): string {
  return probability === 0 ? '0' : probability.toPrecision(2)
}
