/** A simulation with privacy noise, through the command line, over a network in memory. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { endText } from '../../../../node/cli/privacy/run-privacy.ts'
import { scratchFolder } from '../../../support/cli.ts'
import { runHere } from '../../../support/cli-here.ts'

describe('sim with privacy noise', () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())

  it('says beforehand what it is worth, and ends well before the round that would pass its epsilon', async () => {
    const out = join(scratch.path, 'out')
    const flags = ['--peers', '4', '--rounds', '5', '--steps', '1', '--network', 'memory', '--no-baselines']
    const noise = ['--noise', '1', '--epsilon', '7.5', '--strategy', 'ffa', '--clip', '0.01']
    const { exitCode, events, stderr } = await runHere(['sim', ...flags, ...noise, '--out', out, '--json'])
    expect(exitCode, stderr).to.equal(0)
    expect(events.find(({ event }) => event === 'privacy')).to.include({
      rounds: 5,
      roundsAfforded: 2,
      members: 4
    })
    expect(stderr).to.contain('warning: the privacy budget ends the run after 2 of 5 rounds')
    expect(stderr).to.match(/warning: 4 clients are fewer than 100/)
    expect(stderr.indexOf('fewer than 100')).to.be.below(stderr.indexOf('round 1/5'))
    const rounds = events.filter(({ event }) => event === 'round')
    expect(rounds.map(({ meanTrainingLoss }) => meanTrainingLoss)).to.deep.equal([null, null])
    const spent = rounds.map(({ epsilonSpent }) => epsilonSpent as number)
    expect(spent[0]).to.be.below(spent[1]!)
    const done = events.at(-1)!
    expect(done).to.include({ event: 'done', rounds: 5, completedRounds: 2, end: 'privacy' })
    expect(done['privacy']).to.deep.equal({ epsilon: spent[1], delta: 1e-5, epsilonMax: 7.5 })
    const report = readFileSync(join(out, 'report.txt'), 'utf8')
    expect(report).to.match(
      /2 of 5 rounds, 4 peers, epsilon [\d.]+ at delta 0.00001 spent; the run stopped there/
    )
  })

  it('refuses a peer of another process where there is no way in', async () => {
    const flags = ['--network', 'memory', '--external', '1', '--out', join(scratch.path, 'none')]
    const { exitCode, stderr } = await runHere(['sim', ...flags])
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('nobody can join a network in memory')
  })
})

describe('the end of a run in words', () => {
  const privacy = {
    mechanism: 'skellam',
    noiseMultiplier: 1,
    epsilon: 8,
    delta: 1e-5,
    sampler: 'table',
    clipping: { kind: 'fixed' }
  } as const

  it('says how many rounds there were, and why there are not more', () => {
    expect(endText({ rounds: 5, privacy }, 5, 'rounds')).to.equal('5 rounds')
    expect(endText({ rounds: 5, privacy }, 3, 'privacy')).to.equal(
      '3 of 5 rounds; another would have passed the privacy budget of epsilon 8 at delta 0.00001'
    )
  })
})
