import { expect } from 'chai'
import {
  type AgreementSetting,
  type AgreementState,
  newAgreement,
  onNewView,
  onVote
} from '../../../node/round/agreement.ts'
import { votingRules } from '../../../node/round/voting-rules.ts'
import type { SignedMessage } from '../../../protocols/envelope.ts'
import { VOTES_PER_MEMBER } from '../../../protocols/limits.ts'

const setting = {
  subject: 'survivors',
  voters: ['a', 'b', 'c', 'd'],
  leaders: ['a', 'b', 'c', 'd'],
  quorum: 3,
  faults: 1,
  self: 'a',
  viewMs: 1000,
  rules: votingRules
} as unknown as AgreementSetting

const by = (sender: string): SignedMessage => ({ sender }) as SignedMessage
const hashOf = (i: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, at) => (i >> (8 * at)) & 255)
const keptOf = (words: AgreementState['votes'] | AgreementState['newViews'], sender: string): number =>
  [...words.values()].filter(bySender => bySender.has(sender)).length

describe('a member that never stops voting', () => {
  it('fills its own place only: of each member so many votes are kept, and the others still decide', () => {
    const state = newAgreement()
    for (let i = 1; i <= 3 * VOTES_PER_MEMBER; i++)
      onVote(state, setting, by('d'), 'prepare', i % 7, hashOf(i), 0)
    expect(keptOf(state.votes, 'd')).to.equal(VOTES_PER_MEMBER)
    state.values.set('00'.repeat(32), new Uint8Array())
    const digest = { sha256: () => new Uint8Array(32) }
    const decided = ['a', 'b', 'c'].flatMap(sender =>
      onVote(state, { ...setting, crypto: digest } as never, by(sender), 'prepare', 0, hashOf(0), 0)
    )
    expect(decided.map(({ type }) => type)).to.deep.equal(['certificate'])
  })

  it('and with new-views likewise; one that is said again takes the place of itself', () => {
    const state = newAgreement()
    const newView = (view: number) => ({ subject: 'survivors', view, prepared: undefined }) as never
    for (let view = 1; view <= 3 * VOTES_PER_MEMBER; view++)
      onNewView(state, setting, by('d'), newView(view), 0)
    onNewView(state, setting, by('d'), newView(1), 0)
    expect(keptOf(state.newViews, 'd')).to.equal(VOTES_PER_MEMBER)
    expect(state.view).to.equal(0)
    onNewView(state, setting, by('b'), newView(1), 0)
    expect(state.view).to.equal(1)
  })
})
