import { expect } from 'chai'
import {
  openMessage,
  PROTOCOL_VERSION,
  type SignedMessage,
  sealMessage,
  ZERO_HASH
} from '../../../protocols/envelope.ts'
import { toHex } from '../../../protocols/hex.ts'
import { type Context, Registration } from '../../../protocols/messages.js'
import { type TestMember, testDeadlines, testMember, testRun } from '../../support/chains.ts'
import { contradictions, linkKinds, longestChain, stateHashes } from '../../support/cluster-claims.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

const setUp = (n: number, rounds: number, seed = 7) =>
  new RoundCluster(testRun(n, { rounds, deadlines: testDeadlines }), { seed, trainMs: 1_000 }).start()

function expectWhole(cluster: RoundCluster): void {
  expect(stateHashes(cluster)).to.have.lengthOf(1)
  expect(contradictions(cluster)).to.deep.equal([])
}

/** A registration that somebody signs by hand. */
function registration(
  cluster: RoundCluster,
  { signer }: TestMember,
  afterLink: Uint8Array,
  part: Partial<Context> = {}
): SignedMessage {
  const { run } = cluster.run
  const context: Context = {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: afterLink,
    round: 0,
    attempt: 0,
    rosterHash: ZERO_HASH,
    baseModel: run.baseModel,
    encodingHash: ZERO_HASH,
    ...part
  }
  const payload = Registration.encode({ nonce: new Uint8Array(32).fill(8), afterLink })
  return sealMessage('registration', context, payload, signer, cluster.crypto)
}

describe('a founding', () => {
  it('cut short by the death of the author, before or after it is told, leaves one list', () => {
    for (const at of ['found', 'gossip'] as const) {
      const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
      let died = false
      const cluster: RoundCluster = new RoundCluster(run, {
        seed: 9,
        onEffect: (id, effect) => {
          const founding =
            effect.type === 'gossip' ? effect.message.type === 'founding' : effect.type === 'found'
          if (died || id !== run.author.id || !founding || effect.type !== at) return true
          died = true
          cluster.at(cluster.nowMs + 3_000, () => cluster.restart(id))
          return false
        }
      })
      expect(cluster.start().runUntil(() => cluster.alive.length === 3)).to.equal(true)
      expect(cluster.runUntil(() => cluster.alive.length === 4)).to.equal(true)
      expect(cluster.finish(), at).to.equal(true)
      const lists = cluster.wire.filter(({ type }) => type === 'founding').map(({ hash }) => toHex(hash))
      expect(new Set(lists).size, at).to.be.at.most(1)
      expectWhole(cluster)
    }
  })

  it('with another list by the same author is refused', () => {
    const cluster = setUp(4, 1)
    expect(cluster.runUntil(() => cluster.alive.every(({ founding }) => founding !== null))).to.equal(true)
    const other = openMessage(cluster.run.founding, cluster.crypto)
    cluster.inject(other)
    expect(cluster.finish()).to.equal(true)
    const refused = cluster.alive.flatMap(({ notices }) =>
      notices.filter(notice => notice.notice === 'refused')
    )
    expect(refused.map(({ reason }) => reason)).to.deep.equal(
      Array(3).fill('this run has been founded with another list')
    )
  })
})

describe('who is in', () => {
  it('a late joiner pulls the chain, registers, and takes part from the round after', () => {
    const cluster = setUp(4, 6)
    expect(cluster.reach(1)).to.equal(true)
    const joiner = cluster.join(testMember(5))
    expect(cluster.finish()).to.equal(true)
    expect(joiner.links).to.have.lengthOf(6)
    expectWhole(cluster)
    const links = longestChain(cluster)
    const first = links.findIndex(({ cohort }) => cohort.includes(joiner.id))
    expect(first).to.be.within(2, 5)
    expect(links[first - 1]!.members).to.include(joiner.id)
    const survived = links.filter(({ survivors }) => survivors.some(({ peer }) => peer === joiner.id))
    expect(survived).to.not.deep.equal([])
    expect(joiner.sums.size).to.be.at.least(survived.length)
    expect(linkKinds(cluster)).to.deep.equal(Array(6).fill('result'))
  })

  it('a member silent for two links is dropped, and is back once it registers again', () => {
    const cluster = setUp(5, 7)
    expect(cluster.reach(1)).to.equal(true)
    const gone = [...cluster.peers.keys()].find(id => id !== cluster.run.author.id)!
    cluster.kill(gone)
    expect(cluster.reach(4)).to.equal(true)
    const [, second, third, fourth] = longestChain(cluster)
    expect(second!.members).to.include(gone)
    expect(third!.members).to.not.include(gone)
    expect(fourth!.cohort).to.have.lengthOf(4)
    cluster.restart(gone)
    expect(cluster.finish()).to.equal(true)
    const last = longestChain(cluster).at(-1)!
    expect(last.members).to.include(gone)
    expect(linkKinds(cluster)).to.deep.equal(Array(7).fill('result'))
    expectWhole(cluster)
  })

  it('one of four is never dropped: a cohort of three would hide too little', () => {
    const cluster = setUp(4, 4)
    cluster.kill(cluster.run.members[2]!.id)
    expect(cluster.finish()).to.equal(true)
    for (const { cohort, members, survivors } of longestChain(cluster)) {
      expect([cohort.length, members.length, survivors.length]).to.deep.equal([4, 4, 3])
    }
  })

  it('a newcomer that dies at once is dropped, and its old registration does not bring it back', () => {
    const cluster = setUp(4, 8)
    expect(cluster.reach(1)).to.equal(true)
    const joiner = cluster.join(testMember(5))
    const taken = () => longestChain(cluster).some(({ members }) => members.includes(joiner.id))
    expect(cluster.runUntil(taken)).to.equal(true)
    cluster.kill(joiner.id)
    expect(cluster.finish()).to.equal(true)
    const there = longestChain(cluster).map(({ members }) => members.includes(joiner.id))
    const from = there.indexOf(true)
    expect(there.slice(from)).to.deep.equal(there.slice(from).map((_, i) => i < 2))
    expect(there.slice(from).length).to.be.at.least(4)
  })

  it('a registration that is too old, of another base model, or replayed from another run brings nobody in', () => {
    const cluster = setUp(4, 7)
    expect(cluster.reach(4)).to.equal(true)
    const { recentLinks } = cluster.alive[0]!.state.tip!
    const old = cluster.tipOf(cluster.alive[0]!)!
    expect(recentLinks).to.deep.equal(old.recentLinks)
    const strangers = [11, 12, 13, 14].map(testMember) as [TestMember, TestMember, TestMember, TestMember]
    const [late, otherBase, otherRun, fresh] = strangers
    const other = { baseModel: new Uint8Array(32) }
    cluster.inject(registration(cluster, late, ZERO_HASH))
    cluster.inject(registration(cluster, otherBase, recentLinks[0]!, other))
    cluster.inject(registration(cluster, otherRun, recentLinks[0]!, { run: new Uint8Array(32) }))
    cluster.inject(registration(cluster, fresh, recentLinks[1]!))
    expect(cluster.finish()).to.equal(true)
    const members = longestChain(cluster).flatMap(link => link.members)
    expect(strangers.map(({ id }) => members.includes(id))).to.deep.equal([false, false, false, true])
    const refused = cluster.alive[0]!.notices.filter(notice => notice.notice === 'refused')
    expect(refused.map(({ reason }) => reason).join()).to.match(/it has another base model/)
  })

  it('a replay of an older registration does not take the place of a newer one', () => {
    const cluster = setUp(4, 8)
    expect(cluster.reach(4)).to.equal(true)
    const stranger = testMember(11)
    const { recentLinks } = cluster.alive[0]!.state.tip!
    cluster.inject(registration(cluster, stranger, recentLinks[0]!))
    cluster.at(cluster.nowMs + 50, () => cluster.inject(registration(cluster, stranger, ZERO_HASH)))
    expect(cluster.finish()).to.equal(true)
    expect(longestChain(cluster)[4]!.members).to.include(stranger.id)
  })
})

describe('a run without a quorum', () => {
  const waiting = (cluster: RoundCluster, id: string) =>
    cluster.peer(id).notices.flatMap(notice => (notice.notice === 'waiting' ? [notice] : []))

  it('waits, names who is missing, and goes on when they are back', () => {
    const cluster = setUp(7, 3)
    expect(cluster.reach(1)).to.equal(true)
    const gone = [...cluster.peers.keys()].slice(3, 6)
    for (const id of gone) cluster.kill(id)
    const [first] = cluster.alive
    const before = waiting(cluster, first!.id).length
    cluster.runUntil(() => cluster.nowMs > 1_060_000)
    const height = longestChain(cluster).length
    expect(height).to.be.below(3)
    const named = waiting(cluster, first!.id).slice(before)
    expect(named.length).to.be.above(5)
    for (const { have, need, missing } of named) {
      expect([have, need]).to.deep.equal([4, 5])
      expect([...missing].sort()).to.deep.equal([...gone].sort())
    }
    // Nobody is aborted away: nothing is decided at all.
    expect(linkKinds(cluster)).to.deep.equal(Array(height).fill('result'))
    for (const id of gone) cluster.restart(id)
    expect(cluster.finish()).to.equal(true)
    expectWhole(cluster)
  })

  it('cut into four and three, decides on neither side, and goes on as one when it heals', () => {
    for (const atMs of [100, 1_200, 1_600]) {
      const cluster = setUp(7, 3)
      expect(cluster.reach(1)).to.equal(true)
      const height = cluster.alive[0]!.links.length
      const cutMs = cluster.nowMs + atMs
      cluster.runUntil(() => cluster.nowMs >= cutMs)
      const before = longestChain(cluster).length
      const ids = [...cluster.peers.keys()]
      cluster.partition(ids.slice(0, 4), ids.slice(4))
      cluster.runUntil(() => cluster.nowMs > 1_060_000)
      // At most what was certified before the cut reaches the rest of its side.
      expect(longestChain(cluster).length, `${atMs}`).to.be.within(height, before + 1)
      cluster.partition()
      expect(cluster.finish(), `${atMs}`).to.equal(true)
      expectWhole(cluster)
    }
  })

  it('cut into five and two, goes on with five, and the two catch up', () => {
    const cluster = setUp(7, 4)
    expect(cluster.reach(1)).to.equal(true)
    const ids = [...cluster.peers.keys()]
    cluster.partition(ids.slice(0, 5), ids.slice(5))
    const behind = ids.slice(5).map(id => cluster.peer(id))
    expect(cluster.runUntil(() => cluster.peer(ids[0]!).links.length === 3)).to.equal(true)
    expect(behind.map(({ links }) => links.length)).to.deep.equal([1, 1])
    cluster.partition()
    expect(cluster.finish()).to.equal(true)
    expectWhole(cluster)
  })
})

describe('a network that loses words', () => {
  /** Everything but one certificate reaches one member. */
  function withoutCertificate(subject: string, index: number) {
    const run = testRun(4, { rounds: 2, deadlines: testDeadlines })
    let lost = 0
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 1,
      deliver: (_from, to, { type, payload, context }) => {
        const hit =
          type === 'certificate' &&
          to === run.members[index]!.id &&
          context.round === 0 &&
          nowhere(payload, subject)
        if (hit) lost++
        return !hit
      }
    })
    expect(cluster.start().finish(120_000), subject).to.equal(true)
    return { cluster, lost }
  }
  const nowhere = (payload: Uint8Array, subject: string) =>
    Buffer.from(payload).includes(Buffer.from(subject)) &&
    Buffer.from(payload).includes(Buffer.from('commit'))

  it('keeps a member that missed a decision in the round: it asks, and what came early waits', () => {
    for (const subject of ['roster', 'shares', 'survivors']) {
      let lostInAll = 0
      // Either may be the aggregator, to whom nobody has to send it; the other is not.
      for (const index of [0, 1]) {
        const { cluster, lost } = withoutCertificate(subject, index)
        lostInAll += lost
        const deaf = cluster.peer(cluster.run.members[index]!.id)
        expect(linkKinds(cluster), subject).to.deep.equal(['result', 'result'])
        expect([...deaf.sums.keys()], subject).to.deep.equal(['0.0', '1.0'])
        expect(longestChain(cluster)[0]!.survivors, subject).to.have.lengthOf(4)
        expectWhole(cluster)
      }
      expect(lostInAll, subject).to.be.above(0)
    }
  })
})
