import { expect } from 'chai'
import { electorate, leadersOf } from '../../../node/round/electorate.ts'
import type { RunState } from '../../../node/round/round-state.ts'
import type { RoundDeps, RoundMachine } from '../../../node/round/round-types.ts'
import { type Certificate, CertifiedDecision, Vote } from '../../../protocols/messages.js'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

describe('the voters of an agreement', () => {
  it('lead by rank from the first rank on, those that lead first before the others', () => {
    const ranked = ['d', 'a', 'e', 'b', 'c']
    expect(leadersOf(electorate(['a', 'b', 'c', 'd', 'e']), ranked, 0)).to.deep.equal(ranked)
    expect(leadersOf(electorate(['a', 'b', 'c', 'd', 'e']), ranked, 2)).to.deep.equal([
      'e',
      'b',
      'c',
      'd',
      'a'
    ])
    expect(leadersOf(electorate(['a', 'b', 'd', 'e'], ['b', 'd']), ranked, 1)).to.deep.equal([
      'b',
      'd',
      'a',
      'e'
    ])
  })

  it('count alone: quorum and faults are theirs, not those of the cohort', () => {
    expect(electorate(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).to.include({ quorum: 5, faults: 2 })
  })

  it('decide without the others of the cohort, who say nothing and follow the certificates', () => {
    const run = testRun(7, { rounds: 2, deadlines: testDeadlines })
    const voters = run.members.slice(2, 6).map(({ id }) => id)
    const fewer = (state: RunState): RunState => {
      const { attempt } = state
      if (attempt === null) return state
      return {
        ...state,
        attempt: { ...attempt, electorates: { ...attempt.electorates, shares: electorate(voters) } }
      }
    }
    const watched = (_deps: RoundDeps, machine: RoundMachine<RunState>): RoundMachine<RunState> => ({
      ...machine,
      step: (state, event, nowMs) => {
        const { state: next, effects } = machine.step(fewer(state), event, nowMs)
        return { state: fewer(next), effects }
      }
    })
    const cluster = new RoundCluster(run, { seed: 5, watched }).start()
    expect(cluster.finish()).to.equal(true)
    const said = cluster.wire
      .filter(({ type }) => type === 'prepare' || type === 'commit')
      .filter(({ payload }) => Vote.decode(payload).subject === 'shares')
    expect(new Set(said.map(({ sender }) => sender))).to.deep.equal(new Set(voters))
    const certificates = cluster.wire
      .filter(({ type }) => type === 'certificate')
      .map(({ payload }) => CertifiedDecision.decode(payload).certificate as Certificate)
      .filter(({ subject }) => subject === 'shares')
    expect(certificates).to.not.be.empty
    for (const { signatures } of certificates) {
      expect(signatures.length).to.be.within(3, 4)
      for (const { index } of signatures) expect(index).to.be.below(4)
    }
  })
})
