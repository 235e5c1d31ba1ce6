import { expect } from 'chai'
import { toHex } from '../../protocols/hex.ts'
import { CertifiedLink, type Decision, type LinkBody, Proposal, Vote } from '../../protocols/messages.js'
import { longestChain, plainSum } from '../support/cluster-claims.ts'
import { type Liar, type LiarOptions, proposalWith, roundWith } from '../support/liars.ts'

const unfounded = ['proposal: its result decision does not follow from what this peer knows']

/** Runs a round whose aggregator proposes another result than that of the others. */
function expectNobodySigns(options: LiarOptions) {
  const result = roundWith(options)
  const { cluster, refusals, survivors, ids, liar } = result
  expect(refusals).to.deep.equal(unfounded)
  const proposed = cluster.wire
    .filter(({ type, sender }) => type === 'proposal' && sender === liar())
    .map(({ payload }) => Proposal.decode(payload))
    .filter(({ subject, view }) => subject === 'result' && view === 0)
    .map(({ decision }) => toHex(cluster.crypto.sha256(decision)))
  expect(proposed).to.have.lengthOf(1)
  const votes = cluster.wire.filter(
    ({ type, sender, payload }) =>
      (type === 'prepare' || type === 'commit') &&
      sender !== liar() &&
      toHex(Vote.decode(payload).valueHash) === proposed[0]
  )
  expect(votes, 'signatures of honest verifiers').to.deep.equal([])
  // And the right sum is certified without it.
  const sum = plainSum(cluster, 0, 0, survivors)
  for (const id of ids) expect(cluster.peer(id).sums.get('0.0')).to.deep.equal(sum)
  const [link] = cluster.peer(ids[0]!).links
  expect(CertifiedLink.decode(link!).certificate!.view).to.equal(1)
  return result
}

describe('an aggregator that publishes a wrong sum', () => {
  it('wrong in one coordinate, by one step: no verifier signs it', () => {
    for (const at of [0, 57, 99]) {
      const { cluster, liar } = expectNobodySigns({
        rank: 0,
        lie(effect, { peer }) {
          if (effect.type !== 'unmask') return null
          // It adds one to one lane of one masked input, and computes everything else as it should.
          const address = toHex(effect.survivors[0]!.address)
          const body = peer.held.get(address)!.slice()
          const lanes = new DataView(body.buffer)
          lanes.setUint16(2 * at, (lanes.getUint16(2 * at, true) + 1) & 0xffff, true)
          peer.held.set(address, body)
          return [effect]
        }
      })
      const wrong = cluster.peer(liar()).sums.get('0.0')!
      const right = plainSum(
        cluster,
        0,
        0,
        longestChain(cluster)[0]!.survivors.map(({ peer }) => peer)
      )
      expect([...wrong.keys()].filter(i => wrong[i] !== right[i])).to.deep.equal([at])
    }
  })

  it('over one survivor less, or with one twice: no verifier signs it', () => {
    for (const change of [
      (peers: readonly LinkBody['survivors'][number][]) => peers.slice(1),
      (peers: readonly LinkBody['survivors'][number][]) => [peers[0]!, ...peers.slice(0, -1)]
    ])
      expectNobodySigns(
        proposalWith(({ link }) => ({ link: { ...link!, survivors: change(link!.survivors) } }), 'result')
      )
  })

  const claims: Array<[string, (link: LinkBody, liar: Liar) => Partial<LinkBody>]> = [
    [
      'another state hash',
      ({ stateHash }) => ({ stateHash: stateHash.map((byte, i) => (i === 31 ? byte ^ 1 : byte)) })
    ],
    ['the state of before', (_, { attempt }) => ({ stateHash: attempt.tip.stateHash })],
    ['more weight', ({ weightSum }) => ({ weightSum: weightSum + 1 })],
    ['another loss', ({ meanLoss }) => ({ meanLoss: meanLoss + 1 / 16 })],
    ['another beacon', ({ beacon }) => ({ beacon: beacon.map(byte => byte ^ 1) })],
    ['other members', ({ members }) => ({ members: members.slice(1) })],
    ['other privacy spent', () => ({ epsilonSpent: 0.5 })],
    [
      'another address of an input',
      ({ survivors }) => ({ survivors: survivors.map(s => ({ ...s, address: survivors[0]!.address })) })
    ]
  ]
  for (const [what, change] of claims)
    it(`or claims ${what}: no verifier signs it`, () => {
      expectNobodySigns(
        proposalWith(
          ({ link }, liar) => ({ link: { ...link!, ...change(link!, liar) } }) as Decision,
          'result'
        )
      )
    })
})
