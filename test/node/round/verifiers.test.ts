import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import type { MessageType } from '../../../protocols/envelope.ts'
import { toHex } from '../../../protocols/hex.ts'
import {
  Attestation,
  CertifiedLink,
  Decision,
  type LinkBody,
  Proposal,
  Vote
} from '../../../protocols/messages.js'
import {
  contradictions,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from '../../support/cluster-claims.ts'
import { committeeCluster, committeeOf, says } from '../../support/committee.ts'
import { bytes32, reworded } from '../../support/liars.ts'
import type { RoundCluster } from '../../support/round-cluster.ts'

interface Seen {
  readonly round: number
  readonly attempt: number
  readonly peer: string
  readonly inCommittee: boolean
  readonly effect: Effect
}

/** Notes every effect, and kills at most `most` members of a committee before an effect that `dies` picks. */
function watched(
  options: Parameters<typeof committeeCluster>[0],
  most = 0,
  dies: (effect: Effect) => boolean = () => false
) {
  const seen: Seen[] = []
  const dead: string[] = []
  const cluster: RoundCluster = committeeCluster({
    ...options,
    onEffect: (peer, effect) => {
      const { attempt } = cluster.peer(peer).state
      if (attempt === null) return true
      const inCommittee = committeeOf(cluster.peer(peer)).includes(peer)
      if (inCommittee && dead.length < most && attempt.attempt === 0 && dies(effect)) {
        dead.push(peer)
        return false
      }
      seen.push({ round: attempt.round, attempt: attempt.attempt, peer, inCommittee, effect })
      return true
    }
  })
  return { cluster: cluster.start(), seen, dead }
}

const survivorsOf = (cluster: RoundCluster, link = 0) =>
  longestChain(cluster)[link]!.survivors.map(({ peer }) => peer)

const certificates = (cluster: RoundCluster) =>
  cluster.alive[0]!.links.map(bytes => CertifiedLink.decode(bytes).certificate!)

const attestations = (cluster: RoundCluster) => cluster.wire.filter(({ type }) => type === 'attestation')

describe('a committee of verifiers', () => {
  it('pulls and re-adds for everyone: the others pull nothing, and come to the same state', () => {
    const { cluster, seen } = watched({ rounds: 3 })
    expect(cluster.finish()).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result', 'result', 'result'])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(contradictions(cluster)).to.deep.equal([])
    const of = (type: Effect['type']) => seen.filter(({ effect }) => effect.type === type)
    // Four verifiers pull the eight bodies of others, in each of three rounds.
    expect(of('pull').filter(({ inCommittee }) => !inCommittee)).to.deep.equal([])
    expect(of('pull')).to.have.lengthOf(3 * 4 * 8)
    expect(of('unmask').filter(({ inCommittee }) => !inCommittee)).to.deep.equal([])
    expect(of('unmask')).to.have.lengthOf(3 * 4)
    expect(seen.filter(({ effect, inCommittee }) => says(effect, 'inventory') && !inCommittee)).to.deep.equal(
      []
    )
    expect(attestations(cluster)).to.have.lengthOf(3 * 4)
    // Everyone else votes for what they attest.
    for (const { signatures } of certificates(cluster)) expect(signatures.length).to.be.at.least(7)
  })

  it('is drawn anew in every round', () => {
    const { cluster, seen } = watched({ rounds: 3 })
    cluster.finish()
    const drawn = [0, 1, 2].map(round =>
      [...new Set(seen.filter(at => at.round === round && at.inCommittee).map(({ peer }) => peer))]
        .sort()
        .join()
    )
    expect(new Set(drawn).size).to.equal(3)
  })

  it('opens the sum of the inputs, like everyone would', () => {
    const { cluster } = watched({})
    cluster.finish()
    const opened = cluster.alive.filter(({ sums }) => sums.size > 0)
    expect(opened).to.have.lengthOf(4)
    for (const { sums } of opened)
      expect(sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, survivorsOf(cluster)))
  })
})

describe('a committee with members that die', () => {
  const soundly = (cluster: RoundCluster) => {
    expect(cluster.finish(300_000)).to.equal(true)
    expect(contradictions(cluster)).to.deep.equal([])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
  }

  it('does without as many as its faults, before their inventories and before they lead', () => {
    for (const dies of [
      (effect: Effect) => says(effect, 'inventory'),
      (effect: Effect) => effect.type === 'unmask',
      (effect: Effect) => says(effect, 'attestation'),
      (effect: Effect) => says(effect, 'proposal')
    ]) {
      const { cluster, seen, dead } = watched({}, 1, dies)
      soundly(cluster)
      expect(dead).to.have.lengthOf(1)
      expect(linkKinds(cluster)).to.deep.equal(['result'])
      expect(seen.filter(({ effect, inCommittee }) => effect.type === 'pull' && !inCommittee)).to.deep.equal(
        []
      )
    }
  })

  it('gives the attempt up before the commit with too few inventories, and another committee is drawn', () => {
    const { cluster, seen, dead } = watched({}, 2, effect => says(effect, 'inventory'))
    soundly(cluster)
    expect(dead).to.have.lengthOf(2)
    const kinds = linkKinds(cluster)
    expect(kinds.slice(0, -1).every(kind => kind === 'abort')).to.equal(true)
    expect(kinds).to.have.length.above(1)
    expect(kinds.at(-1)).to.equal('result')
    const drawn = kinds.map((_, attempt) =>
      [...new Set(seen.filter(at => at.attempt === attempt && at.inCommittee).map(({ peer }) => peer))].sort()
    )
    expect(drawn.at(-1)).to.not.deep.equal(drawn[0])
    // Nothing was opened in what was given up.
    const bundles = cluster.wire.filter(({ type }) => type === 'unmask-bundle')
    expect(bundles.every(({ context }) => context.attempt === kinds.length - 1)).to.equal(true)
  })

  it('is replaced by the whole cohort after the commit: everyone re-adds, and the sum is not lost', () => {
    const { cluster, seen, dead } = watched({}, 2, effect => effect.type === 'unmask')
    soundly(cluster)
    expect(dead).to.have.lengthOf(2)
    expect(linkKinds(cluster)).to.deep.equal(['result'])
    const outside = seen.filter(({ inCommittee }) => !inCommittee)
    expect(outside.filter(({ effect }) => effect.type === 'unmask')).to.have.lengthOf(5)
    // Each pulls what it has not made itself.
    expect(outside.filter(({ effect }) => effect.type === 'pull')).to.have.lengthOf(5 * 8)
    for (const { sums } of cluster.alive)
      expect(sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, survivorsOf(cluster)))
  })

  it('goes on with a member that comes back in the middle', () => {
    for (const type of ['inventory', 'attestation', 'prepare']) {
      const { cluster, dead } = watched({ rounds: 2 }, 1, effect => says(effect, type))
      expect(cluster.runUntil(() => dead.length === 1)).to.equal(true)
      cluster.at(cluster.nowMs + 100, () => cluster.restart(dead[0]!))
      expect(cluster.runUntil(() => cluster.alive.length === 9)).to.equal(true)
      soundly(cluster)
      expect(linkKinds(cluster), type).to.deep.equal(['result', 'result'])
    }
  })
})

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
        const decision = Decision.encode({ link: change(attempt.ownResult.link) })
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
      (link: LinkBody) => ({ ...link, survivors: link.survivors.slice(1) }),
      (link: LinkBody) => ({ ...link, completedRounds: link.completedRounds + 1 })
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
