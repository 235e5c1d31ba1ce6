import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import { extendChain } from '../../../protocols/chain.ts'
import { verifiersAt } from '../../../protocols/chain-cohorts.ts'
import type { MessageType } from '../../../protocols/envelope.ts'
import { toHex } from '../../../protocols/hex.ts'
import { Attestation, Decision, type LinkBody, Proposal, Vote } from '../../../protocols/messages.js'
import { certify, linkAfter, testRun } from '../../support/chains.ts'
import { contradictions, linkKinds, stateHashes } from '../../support/cluster-claims.ts'
import { committeeCluster, committeeOf, says } from '../../support/committee.ts'
import { bytes32, reworded } from '../../support/liars.ts'
import type { RoundCluster } from '../../support/round-cluster.ts'

describe('a committee with members that lie', () => {
  /** The first so many of the committee, by rank, attest (and the leader proposes) another link than they came to. */
  function lyingCommittee(liars: number, change: (link: LinkBody) => LinkBody) {
    const lying = new Set<string>()
    const wrong = new Set<string>()
    const honest = () => cluster.alive.filter(({ id }) => !lying.has(id))
    const cluster: RoundCluster = committeeCluster({
      instead: (id, effect) => {
        const peer = cluster.peer(id)
        const { attempt } = peer.state
        if (attempt === null || attempt.ownResult === null || !says(effect, 'attestation')) return [effect]
        const place = attempt.ranked.filter(peer => committeeOf(cluster.peer(id)).includes(peer)).indexOf(id)
        if (place >= liars) return [effect]
        lying.add(id)
        const decision = Decision.encode({ link: change(Decision.decode(attempt.ownResult.decision).link!) })
        const valueHash = cluster.crypto.sha256(decision)
        wrong.add(toHex(valueHash))
        const { message } = effect as Effect & { type: 'gossip' }
        const proposal = { subject: 'result', view: 0, decision, newViews: [] }
        const say = (type: MessageType, payload: Uint8Array): Effect => ({
          type: 'gossip',
          message: reworded({ cluster, peer }, message, { type, payload })
        })
        return [
          say('attestation', Attestation.encode({ valueHash })),
          ...(place === 0 ? [say('proposal', Proposal.encode(proposal))] : [])
        ]
      }
    })
    expect(cluster.start().finish(300_000)).to.equal(true)
    expect(lying.size).to.equal(liars)
    // Not one vote: with those of the liars, a few might be a quorum.
    const votes = cluster.wire.filter(({ type, sender }) => type === 'prepare' && !lying.has(sender))
    expect(votes.filter(({ payload }) => wrong.has(toHex(Vote.decode(payload).valueHash)))).to.deep.equal([])
    expect(
      contradictions(
        cluster,
        honest().map(({ id }) => id)
      )
    ).to.deep.equal([])
    const ofHonest = honest().map(({ linkBodies }) => linkBodies.at(-1)!)
    for (const { stateHash } of ofHonest) expect(stateHash).to.deep.equal(ofHonest[0]!.stateHash)
    return { cluster, honest, link: ofHonest[0]! }
  }
  const wrongState = (link: LinkBody) => ({ ...link, stateHash: bytes32(1) })

  it('cannot make a wrong sum pass, with any number below its quorum', () => {
    for (const liars of [1, 2]) {
      const { link, honest } = lyingCommittee(liars, wrongState)
      expect(link.kind).to.equal('result')
      expect(link.stateHash).to.not.deep.equal(bytes32(1))
      expect(honest()[0]!.stateHash).to.equal(toHex(link.stateHash))
    }
  })

  it('cannot choose its successor, nor change whose sum it is, even with a quorum of liars', () => {
    for (const change of [
      (link: LinkBody) => ({ ...link, beacon: bytes32(1) }),
      (link: LinkBody) => ({ ...link, members: link.members.slice(1) }),
      (link: LinkBody) => ({ ...link, survivors: link.survivors.slice(1) })
    ]) {
      const { link, honest } = lyingCommittee(3, change)
      expect(link.kind).to.equal('result')
      expect(honest()[0]!.stateHash).to.equal(toHex(link.stateHash))
      expect(link.beacon).to.not.deep.equal(bytes32(1))
      expect(link.members).to.have.lengthOf(9)
    }
  })

  it('is told apart from who only says it is in it: such attestations count for nothing', () => {
    const forged: string[] = []
    const cluster: RoundCluster = committeeCluster({
      instead: (id, effect) => {
        const { attempt } = cluster.peer(id).state
        if (attempt === null || !says(effect, 'unmask-bundle')) return [effect]
        if (committeeOf(cluster.peer(id)).includes(id)) return [effect]
        forged.push(id)
        const { message } = effect as Effect & { type: 'gossip' }
        const payload = Attestation.encode({ valueHash: bytes32(1) })
        const liar = { cluster, peer: cluster.peer(id) }
        // Of this committee, and of the one that another beacon draws in another attempt.
        return [
          effect,
          { type: 'gossip', message: reworded(liar, message, { type: 'attestation', payload }) },
          {
            type: 'gossip',
            message: reworded(liar, message, {
              type: 'attestation',
              payload,
              context: { ...message.context, previousLink: bytes32(2) }
            })
          }
        ]
      }
    })
    expect(cluster.start().finish()).to.equal(true)
    expect(forged).to.have.lengthOf(5)
    const { notices, state } = cluster.alive[0]!
    const refused = notices.flatMap(at => (at.notice === 'refused' && at.what === 'attestation' ? [at] : []))
    expect(new Set(refused.map(({ reason }) => reason))).to.deep.equal(
      new Set(['its sender is not in the committee of verifiers', 'it was said in another context'])
    )
    expect(state.phase).to.equal('Finished')
    expect(linkKinds(cluster)).to.deep.equal(['result'])
  })

  it('agrees that a round is lost when a member has spoilt the sum, and the others take its word for that', () => {
    let spoilt: string | null = null
    const outside: string[] = []
    const cluster: RoundCluster = committeeCluster({
      rounds: 2,
      instead: (id, effect) => {
        if (effect.type === 'unmask' && !committeeOf(cluster.peer(id)).includes(id)) outside.push(id)
        if (effect.type !== 'mask' || effect.round !== 0) return [effect]
        spoilt ??= id
        return [id === spoilt ? { ...effect, selfKey: bytes32(1) } : effect]
      }
    })
    expect(cluster.start().finish(300_000)).to.equal(true)
    expect(linkKinds(cluster).slice(0, 2)).to.deep.equal(['lost', 'result'])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(contradictions(cluster)).to.deep.equal([])
    expect(outside).to.deep.equal([])
  })

  it('certifies no link of the chain: that takes a quorum of the whole cohort', () => {
    const test = testRun(9, { secureSum: { verifiers: 4 } })
    const { run, crypto, tip } = test
    const committee = verifiersAt(tip, run, crypto)
    const link = linkAfter(test, tip, 'result', bytes32(1))
    const outsiders = link.cohort.filter(id => !committee.includes(id))
    const signed = (signers: readonly string[]) => certify(test, link, { signers: [...signers].sort() })
    expect(() => extendChain(tip, signed(committee), run, crypto)).to.throw('certificate does not hold')
    const six = [...committee, ...outsiders.slice(0, 2)]
    expect(() => extendChain(tip, signed(six), run, crypto)).to.throw('certificate does not hold')
    expect(extendChain(tip, signed([...six, outsiders[2]!]), run, crypto).tip.height).to.equal(1)
  })

  it('has its first word counted, not its second', () => {
    const cluster: RoundCluster = committeeCluster({
      instead: (id, effect) => {
        if (!says(effect, 'attestation')) return [effect]
        const { message } = effect as Effect & { type: 'gossip' }
        const payload = Attestation.encode({ valueHash: bytes32(id.length) })
        return [
          effect,
          { type: 'gossip', message: reworded({ cluster, peer: cluster.peer(id) }, message, { payload }) }
        ]
      }
    })
    expect(cluster.start().finish()).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result'])
    const reasons = cluster.alive.flatMap(({ notices }) =>
      notices.flatMap(at => (at.notice === 'refused' && at.what === 'attestation' ? [at.reason] : []))
    )
    expect(reasons).to.include('it has attested another result before')
  })
})
