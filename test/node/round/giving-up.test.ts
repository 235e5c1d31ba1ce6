import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import { toHex } from '../../../protocols/hex.ts'
import { AdvertiseKeys } from '../../../protocols/messages.js'
import { testDeadlines, testRun } from '../../support/chains.ts'
import {
  contradictions,
  decisionsOn,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from '../../support/cluster-claims.ts'
import { bytes32, clusterWithLiar } from '../../support/liars.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

/** Kills two of four members before their first effect of one kind, and starts them again later. */
function twoDieBefore(type: Effect['type'], restartAfterMs: number): RoundCluster {
  const dead = new Set<string>()
  const cluster: RoundCluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), {
    seed: 5,
    onEffect: (id, effect) => {
      if (effect.type !== type || dead.has(id) || dead.size === 2) return true
      const { attempt } = cluster.peer(id).state
      if (attempt === null || attempt.ranked.indexOf(id) < 2) return true
      dead.add(id)
      cluster.at(cluster.nowMs + restartAfterMs, () => cluster.restart(id))
      return false
    }
  })
  return cluster.start()
}

const wordsOf = (cluster: RoundCluster, type: string, round: number, attempt: number) =>
  cluster.wire.filter(
    ({ type: said, context }) => said === type && context.round === round && context.attempt === attempt
  )

describe('a round that cannot be finished', () => {
  it('with too few secrets left before the inputs are in: an ABORT, then a new attempt with new keys', () => {
    const cluster = twoDieBefore('train', 400)
    expect(cluster.runUntil(() => cluster.alive.length === 2)).to.equal(true)
    expect(cluster.runUntil(() => cluster.alive.length === 4)).to.equal(true)
    expect(longestChain(cluster)).to.deep.equal([])
    expect(cluster.finish(120_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['abort', 'result'])
    const [abort, result] = longestChain(cluster)
    expect(abort).to.deep.include({ round: 0, attempt: 0, completedRounds: 0, survivors: [] })
    expect(result).to.deep.include({ round: 0, attempt: 1, completedRounds: 1 })
    expect(
      decisionsOn(cluster).find(({ decision }) => decision.link?.kind === 'abort')!.certificate.subject
    ).to.equal('survivors')
    // Nothing of the first attempt was opened, and nothing in it is used again.
    expect(wordsOf(cluster, 'unmask-bundle', 0, 0)).to.deep.equal([])
    const keys = cluster.wire
      .filter(({ type }) => type === 'advertise-keys')
      .flatMap(({ payload }) => {
        const { maskKey, encryptionKey, selfSeedHash } = AdvertiseKeys.decode(payload)
        return [maskKey, encryptionKey, selfSeedHash].map(toHex)
      })
    expect(keys).to.have.lengthOf(2 * 4 * 3)
    expect(new Set(keys).size).to.equal(keys.length)
    const sum = plainSum(
      cluster,
      0,
      1,
      result!.survivors.map(({ peer }) => peer)
    )
    for (const { sums } of cluster.alive) expect([...sums]).to.deep.equal([['0.1', sum]])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(contradictions(cluster)).to.deep.equal([])
  })

  it('waits, and aborts nothing, as long as a quorum is missing', () => {
    const cluster = twoDieBefore('train', 60_000)
    cluster.runUntil(() => cluster.nowMs > 1_050_000)
    expect(cluster.alive).to.have.lengthOf(2)
    expect(linkKinds(cluster)).to.deep.equal([])
    expect(cluster.finish(120_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['abort', 'result'])
  })

  it('with too few bundles after the commit: LOST, its deltas burnt, and the next round goes on', () => {
    const dying: RoundCluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), {
      seed: 5,
      onEffect: (id, effect) => {
        if (effect.type !== 'journal' || effect.entry.kind !== 'release' || effect.entry.round > 0)
          return true
        if (dying.peer(id).state.attempt!.ranked.indexOf(id) < 2) return true
        dying.at(dying.nowMs + 400, () => dying.restart(id))
        return false
      }
    })
    expect(dying.start().finish(120_000)).to.equal(true)
    expect(linkKinds(dying)).to.deep.equal(['lost', 'result'])
    const [lost, result] = longestChain(dying)
    expect(lost).to.include({ round: 0, attempt: 0, completedRounds: 0 })
    expect(lost!.survivors).to.have.lengthOf(4)
    expect(lost!.stateHash).to.deep.equal(dying.run.tip.stateHash)
    expect(result).to.include({ round: 1, attempt: 0, completedRounds: 1 })
    expect(wordsOf(dying, 'unmask-bundle', 0, 0)).to.have.lengthOf(2)
    for (const { sums } of dying.alive) expect([...sums.keys()]).to.deep.equal(['1.0'])
    expect(stateHashes(dying)).to.have.lengthOf(1)
    expect(contradictions(dying)).to.deep.equal([])
  })
})

describe('a member that spoils the sum', () => {
  /** Ends with a LOST first round, whatever the liar did there, and a result after it, on one chain. */
  function expectLostThenResult({ cluster, honest }: ReturnType<typeof clusterWithLiar>): void {
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['lost', 'result'])
    expect(longestChain(cluster)[0]!.stateHash).to.deep.equal(cluster.run.tip.stateHash)
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(
      contradictions(
        cluster,
        honest().map(({ id }) => id)
      )
    ).to.deep.equal([])
  }

  it('with garbage: the sum opens to nonsense for everyone alike, and the round is LOST', () => {
    const made = clusterWithLiar({
      lie: effect =>
        effect.type === 'mask' && effect.round === 0 ? [{ ...effect, selfKey: bytes32(1) }] : null
    })
    expectLostThenResult(made)
    const { alive } = made.cluster
    expect(alive.map(({ sums }) => [...sums.keys()])).to.deep.equal(alive.map(() => ['0.0', '1.0']))
  })
})
