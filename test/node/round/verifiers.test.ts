import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import { CertifiedLink } from '../../../protocols/messages.js'
import {
  contradictions,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from '../../support/cluster-claims.ts'
import { committeeCluster, committeeOf, says } from '../../support/committee.ts'
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
  const { cluster, seen } = watched({ rounds: 3 })
  before(() => expect(cluster.finish()).to.equal(true))

  it('pulls and re-adds for everyone: the others pull nothing, and come to the same state', () => {
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
    // Nobody gives up on a leader, and nobody has to ask what it missed: neither costs anything in a good round.
    const told = seen.flatMap(({ effect }) => (effect.type === 'notice' ? [effect.notice] : []))
    expect(told).to.include('decided').and.not.to.include('new-view')
    expect(of('probe').filter(({ round }) => round > 0)).to.deep.equal([])
    // Everyone else votes for what they attest.
    for (const { signatures } of certificates(cluster)) expect(signatures.length).to.be.at.least(7)
  })

  it('is drawn anew in every round', () => {
    const drawn = [0, 1, 2].map(round =>
      [...new Set(seen.filter(at => at.round === round && at.inCommittee).map(({ peer }) => peer))]
        .sort()
        .join()
    )
    expect(new Set(drawn).size).to.equal(3)
  })

  it('opens the sum of the inputs, like everyone would', () => {
    const opened = cluster.alive.filter(({ sums }) => sums.has('0.0'))
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
})
