import { expect } from 'chai'
import { COHORT_MAX } from '../../protocols/limits.ts'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'

describe('the sizes of a round', () => {
  it('are t = q = floor(2n/3) + 1 and f = n - t', () => {
    const table = [
      [3, 3, 0],
      [4, 3, 1],
      [5, 4, 1],
      [6, 5, 1],
      [7, 5, 2],
      [8, 6, 2],
      [9, 7, 2],
      [10, 7, 3],
      [16, 11, 5],
      [64, 43, 21]
    ]
    expect(table.map(([n]) => [n, quorumOf(n!), faultsOf(n!)])).to.deep.equal(table)
  })

  it('make two quorums share an honest member, leave a live quorum, and keep both kinds of share apart', () => {
    for (let n = 3; n <= COHORT_MAX; n++) {
      const [t, f] = [quorumOf(n), faultsOf(n)]
      expect(2 * t - n, `n = ${n}: two quorums`).to.be.above(f)
      expect(n - f, `n = ${n}: who is left can decide`).to.be.at.least(t)
      // Each honest member gives one kind of share for a target, so f liars cannot bring both kinds to t.
      expect(n - f + 2 * f, `n = ${n}: shares for both kinds`).to.be.below(2 * t)
      expect(f, `n = ${n}`).to.equal(Math.floor((n - 1) / 3))
    }
  })
})
