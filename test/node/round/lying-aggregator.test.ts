import { expect } from 'chai'
import { Decision, type LinkBody, Proposal } from '../../../protocols/messages.js'
import { reasonOfSubject } from '../../../protocols/pause.ts'
import { bytes32, type Liar, proposalWith, reworded, roundWith, saidIn, saying } from '../../support/liars.ts'

describe('an aggregator that lies', () => {
  const unjustified = ['proposal: not justified']
  const wrong = (subject: string) => [
    `proposal: its ${subject} decision does not follow from what this peer knows`
  ]

  it('cannot name U2 as it likes', () => {
    const changes: Array<(shares: NonNullable<Decision['shares']>) => Partial<Decision['shares']>> = [
      ({ dealers }) => ({ dealers: dealers.slice(2) }),
      ({ dealers }) => ({ dealers: [...dealers].reverse() }),
      ({ dealers }) => ({ dealers: dealers.map(dealer => ({ ...dealer, hash: bytes32(1) })) }),
      ({ dealers }) => ({ dealers: dealers.map(dealer => ({ ...dealer, index: dealer.index + 4 })) }),
      () => ({ proposer: 70 }),
      ({ proposer }) => ({ proposer: (proposer + 1) % 4 })
    ]
    for (const [i, change] of changes.entries()) {
      const { refusals } = roundWith(
        proposalWith(
          ({ shares }) => ({ shares: { ...shares!, ...change(shares!) } as typeof shares }),
          'shares'
        )
      )
      expect(refusals, `change ${i}`).to.deep.equal(wrong('shares'))
    }
  })

  it('cannot fill anyone’s memory with proposals that are all right by themselves', () => {
    let [kept, proposed] = [0, 0]
    roundWith({
      n: 7,
      rank: 0,
      options: {
        watched: (deps, machine) => ({
          ...machine,
          step(state, event, nowMs) {
            const result = machine.step(state, event, nowMs)
            const { attempt } = result.state
            if (attempt !== null && attempt.ranked[0] !== deps.self)
              kept = Math.max(kept, attempt.agreements.roster.values.size)
            return result
          }
        })
      },
      lie(effect, liar) {
        const message = saidIn(effect, 'proposal')
        const proposal = message === null ? null : Proposal.decode(message.payload)
        if (message === null || proposal?.subject !== 'roster' || proposal.view > 0) return null
        const { roster } = Decision.decode(proposal.decision)
        // Each leaves another member out.
        const others = roster!.advertised.map((_, i) => {
          const advertised = roster!.advertised.toSpliced(i, 1)
          const decision = Decision.encode({ roster: { ...roster!, advertised } })
          return saying(
            effect,
            reworded(liar, message, { payload: Proposal.encode({ ...proposal, decision }) })
          )
        })
        proposed = others.length
        return [effect, ...others]
      }
    })
    expect(proposed).to.equal(7)
    // The one that came first, and the one that was decided.
    expect(kept).to.be.at.most(2)
  })

  it('cannot hand the lead to whom it likes', () => {
    for (const subject of ['roster', 'shares', 'survivors'] as const) {
      const { refusals } = roundWith(
        proposalWith(decision => {
          const said = decision[subject]!
          return { [subject]: { ...said, proposer: 3 } }
        }, subject)
      )
      expect(refusals, subject).to.deep.equal(wrong(subject))
    }
  })

  it('cannot abort in view 0, nor without a quorum of new-views', () => {
    for (const subject of ['roster', 'shares', 'survivors']) {
      const { refusals } = roundWith({
        rank: 0,
        lie(effect, liar) {
          const message = saidIn(effect, 'proposal')
          if (message === null || Proposal.decode(message.payload).subject !== subject) return null
          const proposal = Proposal.decode(message.payload)
          const decision = Decision.encode({ link: abortOf(liar, subject) })
          const abort = (view: number) =>
            saying(
              effect,
              reworded(liar, message, { payload: Proposal.encode({ ...proposal, view, decision }) })
            )
          // View 4 is its own again, in a cohort of four.
          return [abort(0), abort(4)]
        }
      })
      expect(refusals, subject).to.have.members([...wrong(subject), ...unjustified])
    }
  })

  it('gets no signature for a link that says LOST while others can finish', () => {
    const { refusals } = roundWith(
      proposalWith(
        ({ link }, { attempt }) => ({
          link: {
            ...link!,
            ...{ kind: 'lost', stateHash: attempt.tip.stateHash, beacon: new Uint8Array() },
            ...{ completedRounds: 0, weightSum: 0, meanLoss: 0, reason: reasonOfSubject.result }
          }
        }),
        'result'
      )
    )
    expect(refusals).to.deep.equal(wrong('result'))
  })
})

/** An abort of the attempt that the liar is in, as an honest member would word it. */
function abortOf({ attempt, cluster }: Liar, subject: string): LinkBody {
  const { tip, context } = attempt
  return {
    height: tip.height + 1,
    kind: 'abort',
    run: cluster.run.run.id,
    previous: tip.linkHash,
    round: attempt.round,
    attempt: attempt.attempt,
    cohort: [...attempt.cohort],
    rosterHash: subject === 'roster' ? bytes32(0) : attempt.rosterContext!.rosterHash,
    encodingHash: context.encodingHash,
    survivors: [],
    members: [...tip.members],
    stateHash: tip.stateHash,
    beacon: new Uint8Array(),
    completedRounds: 0,
    weightSum: 0,
    meanLoss: 0,
    epsilonSpent: 0,
    expulsions: [],
    reason: reasonOfSubject[subject as 'roster' | 'shares' | 'survivors'],
    children: [],
    admissions: [],
    orders: []
  }
}
