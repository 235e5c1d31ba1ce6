import { expect } from 'chai'
import { Envelope } from '../../protocols/messages.js'
import { playedRun } from '../support/admission-runs.ts'
import { testDeadlines } from '../support/chains.ts'
import { invitationRun, ordered } from '../support/invitations.ts'

const run = invitationRun(5, { rounds: 8, deadlines: testDeadlines })
const liar = run.members.find(({ id }) => id !== run.author.id)!
const refused = 'its survivors decision does not follow from what this peer knows'

describe('an order that the author never gave', () => {
  it('said by a member is kept and carried out by nobody', () => {
    const { tip, cluster } = playedRun(run, [], undefined, made => {
      const at = made.tipOf(made.peer(liar.id))!
      made.inject(ordered(run, at, { kind: 'end' }, liar))
    })
    expect(tip.end).to.equal('rounds')
    for (const { state } of cluster.alive) expect([...state.orders.keys()]).to.deep.equal([])
  })

  it('proposed by a leader gets no vote, under any signature', () => {
    const genuine = ordered(run, run.tip, { kind: 'pause' })
    const forged = {
      ...Envelope.decode(ordered(run, run.tip, { kind: 'end' }).bytes),
      signature: genuine.signature
    }
    const byItself = Envelope.decode(ordered(run, run.tip, { kind: 'end' }, liar).bytes)
    for (const order of [forged, byItself]) {
      const { tip, lies, refusals } = playedRun(run, [], survivors => ({ ...survivors, orders: [order] }))
      expect(lies).to.be.above(0)
      expect(refusals).to.include(refused)
      expect(tip.end).to.equal('rounds')
    }
  })
})
