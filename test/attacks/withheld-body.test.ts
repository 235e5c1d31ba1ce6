import { expect } from 'chai'
import type { Effect } from '../../node/round/round-types.ts'
import { toHex } from '../../protocols/hex.ts'
import { MaskedInput } from '../../protocols/messages.js'
import { testDeadlines, testRun } from '../support/chains.ts'
import {
  committedSurvivors,
  contradictions,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from '../support/cluster-claims.ts'
import { roundWith, saidIn } from '../support/liars.ts'
import { RoundCluster } from '../support/round-cluster.ts'

const addressIn = (effect: Effect): string | null => {
  const message = saidIn(effect, 'masked-input')
  return message === null ? null : toHex(MaskedInput.decode(message.payload).address)
}

describe('a body that is withheld', () => {
  it('after the commit: whoever lacks it gets it from those who listed it', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    const [owner, poor] = run.members.map(({ id }) => id) as [string, string]
    let isCommitted = false
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 2,
      // Before the commit the owner gives its body to everyone but one.
      instead: (id, effect) =>
        id === poor && effect.type === 'pull' && effect.owner === owner && !isCommitted
          ? [{ ...effect, holders: [] }]
          : [effect],
      onStep: () => {
        if (isCommitted || committedSurvivors(cluster, 0, 0) === null) return
        isCommitted = true
        expect(heldBy(poor, cluster, owner)).to.deep.equal([])
        cluster.peer(owner).held.clear()
        cluster.kill(owner)
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(isCommitted).to.equal(true)
    const survivors = longestChain(cluster)[0]!.survivors.map(({ peer }) => peer)
    expect(survivors).to.include(owner)
    expect(cluster.peer(poor).sums.get('0.0'), 'its own computation').to.deep.equal(
      plainSum(cluster, 0, 0, survivors)
    )
    expect(linkKinds(cluster)).to.deep.equal(['result'])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(contradictions(cluster)).to.deep.equal([])
  })

  it('from the start: it does not enter the set, and holds nobody up', () => {
    const { survivors, ids, liarSurvived, cluster } = roundWith({
      lie(effect, { cluster, peer }) {
        const address = addressIn(effect)
        if (address !== null) cluster.at(cluster.nowMs, () => peer.held.delete(address))
        return null
      }
    })
    expect(liarSurvived).to.equal(false)
    expect(survivors).to.have.members(ids)
    for (const id of ids) expect(cluster.peer(id).sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, ids))
  })

  it('from all but f: with the owner’s own list that is f + 1, and the others get it from these', () => {
    const run = testRun(7, { rounds: 1, deadlines: testDeadlines })
    const [owner, ...others] = run.members.map(({ id }) => id) as [string, ...string[]]
    const friends = others.slice(0, 2)
    let isCommitted = false
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 2,
      onStep: () => {
        isCommitted ||= committedSurvivors(cluster, 0, 0) !== null
      },
      instead: (id, effect) =>
        effect.type === 'pull' && effect.owner === owner && !friends.includes(id) && !isCommitted
          ? [{ ...effect, holders: [] }]
          : [effect]
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    const survivors = longestChain(cluster)[0]!.survivors.map(({ peer }) => peer)
    expect(survivors).to.have.members([owner, ...others])
    // A quorum has to come to the result by itself: the three that had the body, and two that had not.
    const opened = cluster.alive.flatMap(({ sums }) => [...sums.values()])
    expect(opened.length).to.be.at.least(5)
    for (const sum of opened) expect(sum).to.deep.equal(plainSum(cluster, 0, 0, survivors))
  })

  it('from all but one, f + 1 lists short: the one that holds it is not enough', () => {
    const run = testRun(7, { rounds: 1, deadlines: testDeadlines })
    const [owner, ...others] = run.members.map(({ id }) => id) as [string, ...string[]]
    const [friend] = others
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 2,
      instead: (id, effect) =>
        effect.type === 'pull' && effect.owner === owner && id !== friend
          ? [{ ...effect, holders: [] }]
          : [effect]
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    // The owner's own list and one more: two, and it takes three.
    expect(longestChain(cluster)[0]!.survivors.map(({ peer }) => peer)).to.have.members(others)
    expect(linkKinds(cluster)).to.deep.equal(['result'])
  })
})

/** The body of `owner` in the hands of another, if it has it. */
function heldBy(id: string, cluster: RoundCluster, owner: string): Uint8Array[] {
  const header = cluster.wire.find(({ type, sender }) => type === 'masked-input' && sender === owner)!
  const body = cluster.peer(id).held.get(toHex(MaskedInput.decode(header.payload).address))
  return body === undefined ? [] : [body]
}
