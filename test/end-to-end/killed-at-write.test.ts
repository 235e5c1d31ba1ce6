import { expect } from 'chai'
import { runWithDeath } from '../support/killed-run.ts'

/** Some of what killed-at-write.slow.ts sweeps. */
describe('a peer in a process of its own', function () {
  this.timeout(200_000)

  it('killed in the middle of a write, and after one that nobody has heard of, comes back on its folder', async () => {
    // A vote in the journal, the first round's state; that all comes to one end is checked in runWithDeath.
    const deaths = [
      [13, 'synced'],
      [15, 'torn']
    ] as const
    const runs = await Promise.all(deaths.map(([at, moment]) => runWithDeath(at, moment)))
    expect(runs.map(({ wasKilled }) => wasKilled)).to.deep.equal([true, true])
  })
})
