import { expect } from 'chai'
import { encodeEvidence } from '../../protocols/evidence.ts'
import { toHex } from '../../protocols/hex.ts'
import { type Expulsion, MaskedInput, UnmaskBundle } from '../../protocols/messages.js'
import { blames } from '../support/blame-claims.ts'
import { contradictions, longestChain, stateHashes } from '../support/cluster-claims.ts'
import { dealing, othersOf, ownIndexOf, shareFor } from '../support/false-shares.ts'
import {
  bytes32,
  clusterWithLiar,
  type LiarOptions,
  proposalWith,
  reworded,
  saidIn,
  saying
} from '../support/liars.ts'
import type { RoundCluster } from '../support/round-cluster.ts'

/** Everyone expelled by any link, with the kind of evidence. */
function expelled(cluster: RoundCluster): string[] {
  const all = longestChain(cluster).flatMap(({ expulsions }): Expulsion[] => expulsions)
  return [...new Set(all.map(({ peer, kind }) => `${peer}: ${kind}`))]
}

/** Runs to the end, in which everybody else agrees who cheated, and how; and that member is not one any more. */
function expectExpelled(kind: string, options: LiarOptions): void {
  const { cluster, liar, honest } = clusterWithLiar({ n: 6, rounds: 3, ...options })
  expect(
    cluster.runUntil(() => honest().every(({ state }) => state.phase === 'Finished'), 600_000),
    'the others finish'
  ).to.equal(true)
  const ids = honest().map(({ id }) => id)
  expect(contradictions(cluster, ids)).to.deep.equal([])
  expect(new Set(honest().map(({ stateHash }) => stateHash)).size).to.equal(1)
  const blamed = blames(cluster)
  expect(blamed.filter(line => !line.startsWith(liar()))).to.deep.equal([])
  expect(blamed.filter(line => line.includes(`: ${kind}: `)).length, blamed.join('\n')).to.be.above(0)
  expect(expelled(cluster)).to.deep.equal([`${liar()}: ${kind}`])
  expect(longestChain(cluster).at(-1)!.members).to.have.members(ids)
}

describe('a member that is found out by what it signed is blamed and expelled', () => {
  it('for two masked inputs (attack 16)', () => {
    expectExpelled('equivocation', {
      lie(effect, liar) {
        const message = saidIn(effect, 'masked-input')
        if (message === null) return null
        const said = MaskedInput.decode(message.payload)
        const other = MaskedInput.encode({ ...said, address: bytes32(1) })
        return [effect, saying(effect, reworded(liar, message, { payload: other }))]
      }
    })
  })

  it('for a share that is not the one it was dealt, as responder (attack 15)', () => {
    expectExpelled('wrong-share', {
      lie(effect, liar) {
        const message = saidIn(effect, 'unmask-bundle')
        if (message === null) return null
        const bundle = UnmaskBundle.decode(message.payload)
        const seedShares = bundle.seedShares.map(() => bytes32(1))
        return [
          saying(effect, reworded(liar, message, { payload: UnmaskBundle.encode({ ...bundle, seedShares }) }))
        ]
      }
    })
  })

  it('for shares that give another secret than it committed to, as dealer (attack 15)', () => {
    expectExpelled(
      'bad-secret',
      dealing((shares, liar, message) =>
        shares.map((share, index) =>
          index === ownIndexOf(liar) ? share : shareFor(liar, message, index, [bytes32(3), bytes32(4)])
        )
      ) as LiarOptions
    )
  })

  it('for a result that is not the certified one, as aggregator (attack 17)', () => {
    expectExpelled('wrong-result', {
      rank: 0,
      lie(effect, { peer }) {
        if (effect.type !== 'unmask' || effect.round > 0) return null
        const address = toHex(effect.survivors[0]!.address)
        peer.held.set(
          address,
          peer.held.get(address)!.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
        )
        return [effect]
      }
    })
  })

  it('and nobody is for what cannot be shown: a bad share that its victim alone has seen', () => {
    const { cluster, honest } = clusterWithLiar({
      n: 6,
      ...dealing((shares, liar) => {
        const [a] = othersOf(liar) as [number]
        return shares.with(a, { ...shares[a]!, seedShareHash: bytes32(1) })
      })
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(expelled(cluster)).to.deep.equal([])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(
      new Set(honest().flatMap(({ id }) => longestChain(cluster)[0]!.members.includes(id)))
    ).to.deep.equal(new Set([true]))
  })

  it('and nobody is by a liar: evidence of its own making is refused by everyone', () => {
    const { cluster, liar, honest, refusals } = clusterWithLiar({
      n: 6,
      lie(effect, liar) {
        const message = saidIn(effect, 'masked-input')
        if (message === null) return null
        // What another has said, as if that were two different things.
        const other = [...liar.attempt.headers.values()].find(({ sender }) => sender !== liar.peer.id)
        if (other === undefined) return null
        const payload = encodeEvidence('equivocation', [other, other])
        return [effect, saying(effect, reworded(liar, message, { type: 'evidence', payload }))]
      }
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(blames(cluster).filter(line => !line.startsWith(liar()))).to.deep.equal([])
    expect(expelled(cluster)).to.deep.equal([])
    expect(refusals().join()).to.match(/evidence/)
    expect(honest().every(({ id }) => longestChain(cluster)[0]!.members.includes(id))).to.equal(true)
  })

  it('and nobody is by an aggregator that names evidence against another, or none that there is', () => {
    for (const forge of [
      (expulsions: readonly Expulsion[], victim: string) => expulsions.map(all => ({ ...all, peer: victim })),
      (_: readonly Expulsion[], victim: string) => [
        { peer: victim, kind: 'equivocation', evidenceHash: bytes32(1) }
      ]
    ]) {
      let [cheat, victim] = ['', '']
      let known: RoundCluster | null = null
      const { lie } = proposalWith(({ survivors }, { attempt, cluster }) => {
        const expulsions = forge(survivors!.expulsions, victim)
        const gone = expulsions.map(({ peer }) => peer)
        const nextMembers = attempt.tip.members.filter(id => !gone.includes(id))
        // All the rest is as it would have to be: who is expelled is in no set.
        const key = cluster.peer(victim).member.signer.publicKey.join()
        const headers = survivors!.headers.filter(({ sender }) => sender.join() !== key)
        return { survivors: { ...survivors!, expulsions, nextMembers, headers } }
      }, 'survivors')
      const { cluster, liar } = clusterWithLiar({
        n: 7,
        rank: 0,
        lie(effect, liar) {
          known = liar.cluster
          cheat = liar.attempt.ranked[3]!
          victim = liar.attempt.ranked[4]!
          return liar.attempt.round > 0 ? null : lie(effect, liar)
        },
        options: {
          // Somebody else really equivocates, so that there is evidence to misuse.
          onEffect: (id, effect) => {
            const message = saidIn(effect, 'masked-input')
            if (known === null || id !== cheat || message === null || message.context.round > 0) return true
            const said = MaskedInput.decode(message.payload)
            const payload = MaskedInput.encode({ ...said, address: bytes32(1) })
            known.inject(reworded({ cluster: known, peer: known.peer(id) }, message, { payload }))
            return true
          }
        }
      })
      expect(cluster.finish(300_000)).to.equal(true)
      const ids = cluster.run.members.map(({ id }) => id).filter(id => id !== cheat && id !== liar())
      expect(blames(cluster).filter(line => ids.some(id => line.startsWith(id)))).to.deep.equal([])
      for (const id of ids) expect(expelled(cluster).join()).to.not.contain(id)
      expect(longestChain(cluster).at(-1)!.members).to.include.members(ids)
    }
  })
})
