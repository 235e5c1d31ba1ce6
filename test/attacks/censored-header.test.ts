import { expect } from 'chai'
import { type Decision, Envelope } from '../../protocols/messages.js'
import { type Liar, proposalWith, roundWith } from '../support/liars.ts'

describe('a valid header censored by the aggregator', () => {
  const wrong = (subject: string) => [
    `proposal: its ${subject} decision does not follow from what this peer knows`
  ]

  it('cannot leave out a body that all honest members hold', () => {
    const { refusals, survivors, ids } = roundWith(
      proposalWith(
        ({ survivors }) => ({ survivors: { ...survivors!, headers: survivors!.headers.slice(1) } }),
        'survivors'
      )
    )
    expect(refusals).to.deep.equal(wrong('survivors'))
    expect(survivors).to.include.members(ids)
  })

  it('cannot count an inventory twice, go below the quorum, change the members or let in whom it likes', () => {
    const changes: Array<
      (survivors: NonNullable<Decision['survivors']>, liar: Liar) => Partial<Decision['survivors']>
    > = [
      ({ inventories }) => ({ inventories: [inventories[0]!, inventories[0]!, ...inventories.slice(2)] }),
      ({ inventories }) => ({ inventories: inventories.slice(0, 2) }),
      ({ headers }) => ({ headers: [headers[0]!, ...headers.slice(0, -1)] }),
      ({ headers }) => ({ headers: [...headers].reverse() }),
      ({ nextMembers }) => ({ nextMembers: nextMembers.slice(1) }),
      ({ nextMembers }) => ({ nextMembers: [...nextMembers].reverse() }),
      ({ headers }) => ({ registrations: [headers[0]!] }),
      // Of somebody who is a member already.
      (_: unknown, { cluster }: Liar) => ({
        registrations: [Envelope.decode(cluster.wire.find(({ type }) => type === 'registration')!.bytes)]
      })
    ]
    for (const [i, change] of changes.entries()) {
      const { refusals, survivors, ids } = roundWith(
        proposalWith(
          ({ survivors }, liar) => ({
            survivors: { ...survivors!, ...change(survivors!, liar) } as typeof survivors
          }),
          'survivors'
        )
      )
      expect(refusals, `change ${i}`).to.deep.equal(wrong('survivors'))
      expect(survivors, `change ${i}`).to.include.members(ids)
    }
  })
})
