import { expect } from 'chai'
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import {
  AdvertiseKeys,
  MaskedInput,
  ShareAck,
  ShareKeys,
  UnmaskBundle,
  Vote
} from '../../protocols/messages.js'
import { contradictions, linkKinds, longestChain, plainSum, stateHashes } from '../support/cluster-claims.ts'
import { dealing, othersOf, ownIndexOf, shareFor } from '../support/false-shares.ts'
import {
  bytes32,
  clusterWithLiar,
  type Liar,
  type LiarOptions,
  reworded,
  roundWith,
  saidIn,
  saying
} from '../support/liars.ts'

/** The liar releases another bundle than it should, in the first round. */
const releasing = (
  change: (bundle: UnmaskBundle, liar: Liar) => Partial<UnmaskBundle>
): Pick<LiarOptions, 'lie'> => ({
  lie(effect, liar) {
    const message = saidIn(effect, 'unmask-bundle')
    if (message === null || liar.attempt.round > 0) return null
    const bundle = UnmaskBundle.decode(message.payload)
    const payload = UnmaskBundle.encode({ ...bundle, ...change(bundle, liar) })
    return [saying(effect, reworded(liar, message, { payload }))]
  }
})

/** What the lies of both do, whichever has something to say. */
const both = (a: Pick<LiarOptions, 'lie'>, b: Pick<LiarOptions, 'lie'>): Pick<LiarOptions, 'lie'> => ({
  lie: (effect, liar) => a.lie(effect, liar) ?? b.lie(effect, liar)
})

/** Everyone who opened the first round's sum has the plain sum of its survivors. */
function expectExactSum({ cluster, ids, survivors }: ReturnType<typeof roundWith>): void {
  for (const id of ids)
    expect(cluster.peer(id).sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, survivors))
}

describe('a bad share from the responder', () => {
  it('matches no hash and is left aside: the others open the same sum', () => {
    for (const rank of [0, 1, 2, 3]) {
      const result = roundWith({
        rank,
        ...releasing(({ seedShares }) => ({ seedShares: seedShares.map((_, i) => bytes32(i)) }))
      })
      expectExactSum(result)
    }
  })

  it('of other members mixed up is left aside too', () => {
    expectExactSum(roundWith(releasing(({ seedShares }) => ({ seedShares: seedShares.toReversed() }))))
  })

  it('of another length is refused, also if its dealer committed to it', () => {
    for (const length of [1, 5, 31, 33, 64]) {
      const short = new Uint8Array(length).fill(7)
      const { refusals } = roundWith(neededOf(both(committingTo(short), releasingOwn(short))))
      expect(refusals, `${length} bytes`).to.deep.equal(['unmask-bundle: a share of another length'])
    }
  })

  it('that is missing, and that its dealer committed to as missing, stops nobody', () => {
    const none = new Uint8Array()
    const result = roundWith(neededOf(both(committingTo(none), releasingOwn(none))))
    expect(result.refusals).to.deep.equal([])
    expectExactSum(result)
  })
})

/** The liar's bundle is among the first three that come, and three are enough: that of the last in rank is late. */
function neededOf(lies: Pick<LiarOptions, 'lie'>): LiarOptions {
  let last = ''
  let inject: (message: SignedMessage) => void = () => {}
  let late: SignedMessage | null = null
  return {
    options: {
      deliver: (from, _to, message) => {
        if (from !== last || message.type !== 'unmask-bundle' || late === message) return true
        late = message
        inject(message)
        return false
      }
    },
    lie(effect, liar) {
      const { cluster } = liar
      last = liar.attempt.ranked[3]!
      inject = message => cluster.at(cluster.nowMs + 200, () => cluster.inject(message))
      return lies.lie(effect, liar)
    }
  }
}

/** As dealer: commits to these bytes as the share that it keeps for itself, which nobody else can check. */
function committingTo(share: Uint8Array): Pick<LiarOptions, 'lie'> {
  return dealing((shares, liar) => {
    const own = ownIndexOf(liar)
    const hash = (kind: string) =>
      liar.cluster.crypto.sha256(lengthPrefixed('share-hash', kind, liar.peer.id, own + 1, share))
    return shares.with(own, { ...shares[own]!, seedShareHash: hash('seed'), keyShareHash: hash('key') })
  })
}

/** As responder: releases these bytes as its share of its own seed. */
function releasingOwn(share: Uint8Array): Pick<LiarOptions, 'lie'> {
  return releasing(({ seedShares }, { attempt, peer }) => {
    const own = attempt.survivors!.findIndex(survivor => survivor.peer === peer.id)
    return { seedShares: seedShares.with(own, share) }
  })
}

describe('a bad share from the dealer', () => {
  it('that matches no hash is found out by whom it is for', () => {
    for (const field of ['seedShareHash', 'keyShareHash'] as const) {
      const { refusals } = roundWith(
        dealing((shares, liar) => {
          const [a] = othersOf(liar) as [number]
          return shares.with(a, { ...shares[a]!, [field]: bytes32(1) })
        })
      )
      expect(refusals.join()).to.match(/share for this peer is bad: it does not match its hash/)
    }
  })

  it('of another length is found out by whom it is for, although it matches its hash', () => {
    for (const lengths of [
      [32, 16],
      [32, 48],
      [0, 0]
    ] as const) {
      const { refusals } = roundWith(
        dealing((shares, liar, message) => {
          const [a] = othersOf(liar) as [number]
          const [seedShare, keyShare] = lengths.map(length => new Uint8Array(length).fill(9))
          return shares.with(a, shareFor(liar, message, a, [seedShare!, keyShare!]))
        })
      )
      expect(refusals.join()).to.match(/share for this peer is bad: it does not match its hash/)
    }
  })

  it('that deals twice is heard once', () => {
    const { refusals, cluster, ids } = roundWith({
      lie(effect, liar) {
        const message = saidIn(effect, 'share-keys')
        if (message === null) return null
        const { shares } = ShareKeys.decode(message.payload)
        const other = ShareKeys.encode({
          shares: shares.map(share => ({ ...share, keyShareHash: bytes32(2) }))
        })
        return [effect, saying(effect, reworded(liar, message, { payload: other }))]
      }
    })
    expect(refusals).to.include('share-keys: it has sent other shares before')
    for (const id of ids) {
      const { notices } = cluster.peer(id)
      const said = notices.flatMap(notice =>
        notice.notice === 'refused' && notice.what === 'share-keys' ? [notice.reason] : []
      )
      // It has looked at one of the two only: at the second not even to find it bad.
      expect(new Set(said).size, said.join()).to.be.at.most(2)
      const before = 'it has sent other shares before'
      if (said[0] === before) expect(said.filter(reason => reason !== before)).to.deep.equal([])
    }
  })

  it('makes its victim vote for no U2 with the dealer in it', () => {
    const [dealer, victim] = [1, 3]
    let ranked: readonly string[] = []
    const { cluster } = roundWith({
      n: 5,
      rank: dealer,
      // The leader waits for what it will not hear, and nobody gives up on it.
      deadlines: { keysMs: 1_000, viewMs: 4_000 },
      ...dealing((shares, liar) => {
        ranked = liar.attempt.ranked
        const to = liar.attempt.roster!.findIndex(({ peer }) => peer === ranked[victim])
        return shares.with(to, { ...shares[to]!, seedShareHash: bytes32(1) })
      }),
      // The leader does not hear what the victim says of the dealer.
      options: { deliver: (from, _to, { type }) => !(from === ranked[victim] && type === 'share-ack') }
    })
    const votesOf = (rank: number) =>
      cluster.wire
        .filter(({ type, sender }) => type === 'prepare' && sender === ranked[rank])
        .map(({ payload }) => Vote.decode(payload))
        .filter(({ subject, view }) => subject === 'shares' && view === 0)
    expect(votesOf(victim)).to.deep.equal([])
    expect(votesOf(2), 'another has no reason not to').to.have.lengthOf(1)
  })

  it('is not taken with a share too few or too many', () => {
    for (const change of [
      (shares: ShareKeys['shares']) => shares.slice(1),
      (shares: ShareKeys['shares']) => [...shares, shares[0]!]
    ]) {
      const { refusals, liarSurvived } = roundWith(dealing(change))
      expect(refusals).to.include('share-keys: not one share for each of the roster')
      expect(liarSurvived).to.equal(false)
    }
  })

  it('that differs from member to member keeps nobody from the round nor from the result', () => {
    let victim = ''
    const { cluster, refusals, liarSurvived } = roundWith({
      rank: 1,
      // So the leader does not hear that the shares differ, and U2 is decided with the liar in it.
      options: { deliver: (from, _to, { type }) => !(from === victim && type === 'share-ack') },
      lie(effect, liar) {
        const message = saidIn(effect, 'share-keys')
        if (message === null) return null
        const { shares } = ShareKeys.decode(message.payload)
        const other = reworded(liar, message, {
          payload: ShareKeys.encode({
            shares: shares.map(share => ({ ...share, seedShareHash: bytes32(9) }))
          })
        })
        victim = liar.attempt.ranked[3]!
        const rest = liar.attempt.ranked.filter(id => id !== liar.peer.id && id !== victim)
        return [
          { type: 'send', to: [victim], message: other },
          { type: 'send', to: rest, message }
        ]
      }
    })
    expect(refusals.join()).to.match(/share-keys: its share for this peer is bad/)
    // The member that was told something else has shown both to everyone.
    expect(liarSurvived).to.equal(false)
    expect([...cluster.peer(victim).sums.keys()]).to.deep.equal(['0.0'])
  })

  it('that was never dealt, but acknowledged, shuts nobody out', () => {
    for (const dealers of [
      [0, 1, 2, 3].map(index => ({ index, hash: bytes32(index) })),
      [0, 0, 1, 1].map(index => ({ index, hash: bytes32(index) })),
      [70, 71, 72, 73, 74].map(index => ({ index, hash: bytes32(index) }))
    ]) {
      const { survivors } = roundWith({
        rank: 3,
        lie(effect, liar) {
          if (saidIn(effect, 'share-ack') !== null) return []
          const message = saidIn(effect, 'share-keys')
          if (message === null) return null
          // Before anyone else, so that it is the first list that the leader looks at.
          const ack = reworded(liar, message, { type: 'share-ack', payload: ShareAck.encode({ dealers }) })
          return [saying(effect, ack), effect]
        }
      })
      expect(survivors).to.have.lengthOf(4)
    }
  })

  it('recovers no seed that is not the one committed to: nobody opens it, the round is LOST', () => {
    const { cluster, honest } = clusterWithLiar({
      n: 5,
      lie(effect, liar) {
        const message = saidIn(effect, 'advertise-keys')
        if (message === null || liar.attempt.round > 0) return null
        const payload = AdvertiseKeys.encode({
          ...AdvertiseKeys.decode(message.payload),
          selfSeedHash: bytes32(1)
        })
        return [saying(effect, reworded(liar, message, { payload }))]
      }
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['lost', 'result'])
    expect(longestChain(cluster)[0]!.stateHash).to.deep.equal(cluster.run.tip.stateHash)
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    const ids = honest().map(({ id }) => id)
    expect(contradictions(cluster, ids)).to.deep.equal([])
    for (const { sums } of honest()) expect([...sums.keys()]).to.deep.equal(['1.0'])
  })

  it('of whose kind some sets open the seed and some do not: the chain does not stand still, nor fork', () => {
    for (const [seed, rank] of [
      [1, 1],
      [2, 3],
      [3, 0],
      [4, 2]
    ] as const) {
      // The next member of the roster gets a share that fits its hash and nothing else.
      const falseShareForNext = dealing((shares, liar, message) => {
        const next = (ownIndexOf(liar) + 1) % shares.length
        return shares.with(next, shareFor(liar, message, next, [bytes32(0x51), bytes32(0x52)]))
      })
      const { cluster, honest } = clusterWithLiar({ n: 5, seed, rank, ...falseShareForNext })
      expect(cluster.finish(300_000), `seed ${seed}`).to.equal(true)
      expect(linkKinds(cluster).at(-1), `seed ${seed}`).to.equal('result')
      expect(stateHashes(cluster), `seed ${seed}`).to.have.lengthOf(1)
      const ids = honest().map(({ id }) => id)
      expect(contradictions(cluster, ids), `seed ${seed}`).to.deep.equal([])
    }
  })

  const otherSecrets = dealing((shares, liar, message) =>
    shares.map((share, index) =>
      index === ownIndexOf(liar) ? share : shareFor(liar, message, index, [bytes32(3), bytes32(4)])
    )
  )

  it('recovers no mask key that is not the one advertised: its owner drops out, and the round is LOST', () => {
    const { cluster, honest } = clusterWithLiar({
      n: 5,
      lie(effect, liar) {
        // It shares another key than the one that the others mask with, and then announces nothing.
        return liar.attempt.round === 0 && saidIn(effect, 'masked-input') !== null
          ? []
          : otherSecrets.lie(effect, liar)
      }
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['lost', 'result'])
    const ids = honest().map(({ id }) => id)
    expect(contradictions(cluster, ids)).to.deep.equal([])
    for (const id of ids) expect([...cluster.peer(id).sums.keys()]).to.deep.equal(['1.0'])
  })

  it('leaves it out of U2: an input that it announces all the same is refused', () => {
    const { refusals, liarSurvived } = roundWith({
      lie(effect, liar) {
        const inventory = saidIn(effect, 'inventory')
        if (inventory === null) return dealing(shares => shares.slice(1)).lie(effect, liar)
        const { attempt } = liar
        const [other] = attempt.headers.values()
        const { sharesHash, length } = MaskedInput.decode(other!.payload)
        const payload = MaskedInput.encode({ sharesHash, length, address: bytes32(1) })
        const header = reworded(liar, inventory, { type: 'masked-input', payload })
        return [{ type: 'gossip', message: header }, effect]
      }
    })
    expect(refusals).to.include('masked-input: not a header of this attempt')
    expect(liarSurvived).to.equal(false)
  })
})
