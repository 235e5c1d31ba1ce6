import { expect } from 'chai'
import { votePayload } from '../../../protocols/certificate.ts'
import { Decision, Inventory, MaskedInput, NewView, Proposal } from '../../../protocols/messages.js'
import { committedSurvivors, contradictions } from '../../support/cluster-claims.ts'
import { bytes32, type LiarOptions, reworded, roundWith, saidIn, saying } from '../../support/liars.ts'

describe('a member that lies about masked inputs', () => {
  const header = (change: (header: MaskedInput) => Partial<MaskedInput>): LiarOptions => ({
    lie(effect, liar) {
      const message = saidIn(effect, 'masked-input')
      if (message === null) return null
      const said = MaskedInput.decode(message.payload)
      return [
        saying(effect, reworded(liar, message, { payload: MaskedInput.encode({ ...said, ...change(said) }) }))
      ]
    }
  })

  it('is not heard with another length, another U2, or half an address', () => {
    for (const change of [
      ({ length }: MaskedInput) => ({ length: length + 2 }),
      () => ({ sharesHash: bytes32(1) }),
      ({ address }: MaskedInput) => ({ address: address.subarray(1) })
    ]) {
      const { refusals, liarSurvived } = roundWith(header(change))
      expect(refusals.join()).to.match(/masked-input: (not a header of this attempt|BAD_MESSAGE)/)
      expect(liarSurvived).to.equal(false)
    }
  })

  it('and lists headers that nobody sent cannot shut out a member', () => {
    for (const rank of [2, 3]) {
      const { survivors } = roundWith({
        rank,
        lie(effect, liar) {
          if (saidIn(effect, 'inventory') !== null) return []
          const message = saidIn(effect, 'masked-input')
          if (message === null) return null
          const headers = liar.attempt.roster!.map((_, index) => ({ index, hash: bytes32(index + 1) }))
          const payload = Inventory.encode({ headers })
          return [effect, saying(effect, reworded(liar, message, { type: 'inventory', payload }))]
        }
      })
      expect(survivors, `rank ${rank}`).to.have.lengthOf(4)
    }
  })

  it('and lists a header twice, or of nobody, is not counted', () => {
    for (const indices of [[0, 0, 1], [1, 0], [9]]) {
      const { refusals } = roundWith({
        lie(effect, liar) {
          const message = saidIn(effect, 'inventory')
          if (message === null) return null
          const headers = indices.map(index => ({ index, hash: bytes32(1) }))
          const told = reworded(liar, message, { payload: Inventory.encode({ headers }) })
          return [{ type: 'gossip', message: told }]
        }
      })
      expect(refusals).to.include('inventory: not an inventory of this attempt')
    }
  })
})

describe('a member that speaks out of turn', () => {
  it('cannot propose in a view that is not its own', () => {
    for (const rank of [1, 2, 3]) {
      const { refusals } = roundWith({
        rank,
        lie(effect, liar) {
          if (saidIn(effect, 'share-keys') === null) return null
          const { context } = liar.attempt
          const decision = Decision.encode({ shares: { proposer: rank, dealers: [] } })
          const payload = Proposal.encode({ subject: 'shares', view: 0, decision, newViews: [] })
          const message = saidIn(effect, 'share-keys')!
          expect(context.round).to.equal(0)
          return [effect, saying(effect, reworded(liar, message, { type: 'proposal', payload }))]
        }
      })
      expect(refusals, `rank ${rank}`).to.deep.equal(['proposal: not justified'])
    }
  })

  it('cannot pull the others into a later view alone', () => {
    const { cluster } = roundWith({
      lie(effect, liar) {
        const message = saidIn(effect, 'share-keys')
        if (message === null) return null
        const views = [1, 2, 3, 1000].map(view =>
          reworded(liar, message, { type: 'new-view', payload: NewView.encode({ subject: 'shares', view }) })
        )
        return [effect, ...views.map(view => saying(effect, view))]
      }
    })
    for (const { notices } of cluster.alive)
      expect(notices.some(notice => notice.notice === 'new-view')).to.equal(false)
  })

  it('cannot prove a lock with a certificate that nobody signed', () => {
    const { cluster } = roundWith({
      rank: 3,
      // The aggregator falls silent after the roster, so that new-views count.
      options: { deliver: (from, _to, message) => !silenced(from, message) },
      lie(effect, liar) {
        const message = saidIn(effect, 'new-view')
        if (message === null) return null
        const { subject, view } = NewView.decode(message.payload)
        const prepared = { kind: 'prepare', subject, view: 0, valueHash: bytes32(1), signatures: [] }
        return [
          saying(effect, reworded(liar, message, { payload: NewView.encode({ subject, view, prepared }) }))
        ]
      }
    })
    expect(cluster.wire.some(({ type }) => type === 'new-view')).to.equal(true)
    function silenced(from: string, { type, payload }: { type: string; payload: Uint8Array }): boolean {
      if (type !== 'proposal') return false
      const { subject, view } = Proposal.decode(payload)
      return subject === 'shares' && view === 0 && from !== ''
    }
  })

  it('is refused with anything unreadable, and stops nobody', () => {
    const types = [
      ...([
        'advertise-keys',
        'share-keys',
        'share-ack',
        'masked-input',
        'inventory',
        'unmask-bundle'
      ] as const),
      ...([
        'proposal',
        'prepare',
        'commit',
        'certificate',
        'new-view',
        'registration',
        'founding',
        'tip'
      ] as const)
    ]
    for (const junk of [new Uint8Array(), bytes32(0xff), Uint8Array.from({ length: 300 }, (_, i) => i * 7)]) {
      const { refusals } = roundWith({
        lie(effect, liar) {
          const message = saidIn(effect, 'share-keys') ?? saidIn(effect, 'masked-input')
          if (message === null) return null
          return [
            ...types.map(type => saying(effect, reworded(liar, message, { type, payload: junk }))),
            effect
          ]
        }
      })
      expect(refusals.length).to.be.at.least(junk.length === 0 ? 3 : 10)
    }
  })

  it('votes for two values and is counted in one certificate at most', () => {
    const { cluster, liar } = roundWith({
      lie(effect, liar) {
        const message = saidIn(effect, 'prepare') ?? saidIn(effect, 'commit')
        if (message === null) return null
        const other = votePayload('survivors', 0, bytes32(7))
        return [effect, saying(effect, reworded(liar, message, { payload: other }))]
      }
    })
    expect(contradictions(cluster, [liar()])).to.not.deep.equal([])
    expect(committedSurvivors(cluster, 0, 0)).to.not.equal(null)
  })
})
