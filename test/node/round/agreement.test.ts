import { expect } from 'chai'
import { explore, type Outcome, type Rules, soundRules } from '../../support/agreement-explorer.ts'

/** The first schedule that ends badly under these rules, or null. */
function firstBreach(rules: Rules, schedules: number): number | null {
  for (let seed = 0; seed < schedules; seed++) {
    const { committed, contradictions } = explore(seed, rules)
    if (committed.length > 1 || contradictions.length > 0) return seed
  }
  return null
}

describe('an agreement of four, one of them a liar (random schedules)', () => {
  const schedules = 1_200

  it('commits no two values, and nobody honest votes for two in one view', () => {
    const outcomes: Outcome[] = []
    for (let seed = 0; seed < schedules; seed++) {
      const outcome = explore(seed, soundRules)
      outcomes.push(outcome)
      expect(outcome.committed.length, `seed ${seed}`).to.be.at.most(1)
      expect(outcome.contradictions, `seed ${seed}`).to.deep.equal([])
    }
    const share = (holds: (outcome: Outcome) => boolean) => outcomes.filter(holds).length / schedules
    // Worth something only if schedules come to decisions, to later views, and through restarts.
    expect(share(({ committed }) => committed.length === 1)).to.be.above(0.3)
    expect(share(({ highestView }) => highestView >= 2)).to.be.above(0.3)
    expect(share(({ restarts }) => restarts > 0)).to.be.above(0.3)
  })

  const planted: Array<[string, Partial<Rules>]> = [
    [
      'a new leader that ignores the lock, and voters who do not look',
      {
        proposable: (state, setting) => {
          const may = soundRules.proposable(state, setting)
          return may !== 'wait' && 'repeat' in may ? { free: true, abortable: true } : may
        },
        justified: (setting, proposal, sender, newViews) => {
          const bare = newViews.map(({ sender: from, newView }) => {
            const { prepared: _, ...rest } = newView
            return { sender: from, newView: rest as typeof newView }
          })
          return soundRules.justified(setting, proposal, sender, bare)
        }
      }
    ],
    [
      'a decision on a prepare certificate',
      {
        onCertificate: (state, setting, certificate, decision, nowMs) => {
          const outputs = soundRules.onCertificate(state, setting, certificate, decision, nowMs)
          if (outputs === null || certificate.kind !== 'prepare' || state.decided !== null) return outputs
          state.decided = { certificate, decision }
          return [...outputs, { type: 'decided' }]
        }
      }
    ],
    [
      'a new view without a quorum of new-views',
      {
        justified: (setting, proposal, sender, newViews) =>
          soundRules.justified({ ...setting, quorum: 1 }, proposal, sender, newViews)
      }
    ],
    [
      'a second vote in a view',
      {
        onProposal: (state, ...rest) => {
          state.prepared.clear()
          return soundRules.onProposal(state, ...rest)
        }
      }
    ],
    ['a new-view that keeps quiet about a lock', { reported: () => undefined }],
    ['a restart that forgets its votes', { restored: () => [] }],
    [
      'a restart that forgets its locks',
      {
        restored: journal =>
          journal.map(entry => {
            if (entry.kind !== 'vote') return entry
            const { lock: _, ...rest } = entry
            return rest
          })
      }
    ]
  ]

  for (const [name, rules] of planted) {
    it(`is broken by ${name}`, () => {
      expect(firstBreach({ ...soundRules, ...rules }, schedules)).to.not.equal(null)
    })
  }
})
