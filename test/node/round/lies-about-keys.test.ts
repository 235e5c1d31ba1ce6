import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import { AdvertiseKeys, Envelope, ShareAck, ShareKeys } from '../../../protocols/messages.js'
import { fromHex } from '../../support/bytes.ts'
import {
  bytes32,
  type Liar,
  type LiarOptions,
  proposalWith,
  reworded,
  roundWith,
  saidIn,
  saying
} from '../../support/liars.ts'

/** RFC 7748's curve: zero, one, and the two points of order 8. */
const lowOrder = [
  bytes32(0),
  Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
  fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
  fromHex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')
]

describe('a member that lies about keys', () => {
  const advertising = (change: (keys: AdvertiseKeys, liar: Liar) => Partial<AdvertiseKeys>): LiarOptions => ({
    lie(effect, liar) {
      const message = saidIn(effect, 'advertise-keys')
      if (message === null) return null
      const keys = AdvertiseKeys.decode(message.payload)
      const payload = AdvertiseKeys.encode({ ...keys, ...change(keys, liar) })
      return [saying(effect, reworded(liar, message, { payload }))]
    }
  })

  it('is left out with a key of low order', () => {
    for (const [i, point] of lowOrder.entries()) {
      const field = i % 2 === 0 ? 'maskKey' : 'encryptionKey'
      const { refusals, liarSurvived } = roundWith(advertising(() => ({ [field]: point })))
      expect(refusals).to.include('advertise-keys: bad keys')
      expect(liarSurvived).to.equal(false)
    }
  })

  it('is left out with one key for both uses, or one too short', () => {
    for (const change of [
      (keys: AdvertiseKeys) => ({ encryptionKey: keys.maskKey }),
      (keys: AdvertiseKeys) => ({ maskKey: keys.maskKey.subarray(1) }),
      () => ({ selfSeedHash: new Uint8Array() })
    ]) {
      const { refusals, liarSurvived } = roundWith(advertising(change))
      expect(refusals).to.include('advertise-keys: bad keys')
      expect(liarSurvived).to.equal(false)
    }
  })

  it('does not shut out the member whose key or commitment it copies', () => {
    for (const field of ['maskKey', 'encryptionKey', 'selfSeedHash'] as const) {
      let held: { effect: Effect; liar: Liar } | null = null
      const result = roundWith({
        // Says nothing before it has heard the keys of the others.
        lie(effect, liar) {
          if (saidIn(effect, 'advertise-keys') === null) return null
          held = { effect, liar }
          return []
        },
        options: {
          onStep: () => {
            if (held === null) return
            const { effect, liar } = held
            const message = saidIn(effect, 'advertise-keys')!
            const victim = [...liar.peer.state.attempt!.advertised.values()].find(
              ({ sender }) => sender !== liar.peer.id
            )
            if (victim === undefined) return
            held = null
            const payload = AdvertiseKeys.encode({
              ...AdvertiseKeys.decode(message.payload),
              [field]: AdvertiseKeys.decode(victim.payload)[field]
            })
            liar.cluster.inject(reworded(liar, message, { payload }))
          }
        }
      })
      expect(result.refusals.join(), field).to.match(/advertise-keys: keys of 12D3/)
      expect(result.survivors, field).to.have.members(result.ids)
    }
  })

  it('and advertises twice is heard once', () => {
    const { refusals } = roundWith({
      lie(effect, liar) {
        const message = saidIn(effect, 'advertise-keys')
        if (message === null) return null
        const { crypto } = liar.cluster
        const other = AdvertiseKeys.encode({
          maskKey: crypto.x25519PublicKey(bytes32(3)),
          encryptionKey: crypto.x25519PublicKey(bytes32(4)),
          selfSeedHash: bytes32(5)
        })
        return [effect, saying(effect, reworded(liar, message, { payload: other }))]
      }
    })
    expect(refusals).to.include('advertise-keys: it has advertised other keys before')
  })

  it('and leads, cannot put another key under an honest name', () => {
    const { refusals } = roundWith(
      proposalWith(({ roster }, { peer, cluster }) => {
        const advertised = roster!.advertised.map(envelope => {
          if (envelope.sender.every((byte, i) => byte === peer.member.signer.publicKey[i])) return envelope
          const keys = {
            ...AdvertiseKeys.decode(envelope.payload),
            maskKey: cluster.crypto.x25519PublicKey(bytes32(6))
          }
          return { ...envelope, payload: AdvertiseKeys.encode(keys) }
        })
        return { roster: { ...roster!, advertised } }
      }, 'roster')
    )
    expect(refusals).to.deep.equal([
      'proposal: its roster decision does not follow from what this peer knows'
    ])
  })

  it('and leads, cannot bring up keys that a member signed and does not stand by', () => {
    let victim = ''
    const { cluster, refusals } = roundWith(
      proposalWith(({ roster }, { peer, cluster }) => {
        // As if the victim had been rolled back: two valid signatures of its own.
        const at = roster!.advertised.findIndex(
          ({ sender }) => sender.join() !== peer.member.signer.publicKey.join()
        )
        const old = roster!.advertised[at]!
        const owner = cluster.alive.find(
          ({ member }) => member.signer.publicKey.join() === old.sender.join()
        )!
        victim = owner.id
        const { crypto } = cluster
        const keys = {
          ...AdvertiseKeys.decode(old.payload),
          maskKey: crypto.x25519PublicKey(bytes32(6))
        }
        const message = [...peer.state.attempt!.advertised.values()].find(
          ({ sender }) => sender === owner.id
        )!
        const other = reworded({ cluster, peer: owner }, message, { payload: AdvertiseKeys.encode(keys) })
        return {
          roster: { ...roster!, advertised: roster!.advertised.with(at, Envelope.decode(other.bytes)) }
        }
      }, 'roster')
    )
    expect(refusals).to.deep.equal([
      'proposal: its roster decision does not follow from what this peer knows'
    ])
    const refusing = cluster.alive.filter(({ notices }) =>
      notices.some(notice => notice.notice === 'refused')
    )
    expect(refusing.map(({ id }) => id)).to.deep.equal([victim])
  })
})

describe('a member that lies about shares', () => {
  const dealing = (
    change: (shares: ShareKeys['shares'], liar: Liar) => ShareKeys['shares']
  ): LiarOptions => ({
    lie(effect, liar) {
      const message = saidIn(effect, 'share-keys')
      if (message === null) return null
      const { shares } = ShareKeys.decode(message.payload)
      return [
        saying(
          effect,
          reworded(liar, message, { payload: ShareKeys.encode({ shares: change(shares, liar) }) })
        )
      ]
    }
  })

  it('is found out by whom it gave a share that does not open, or matches no hash, or was meant for another', () => {
    const others = (liar: Liar) =>
      liar.attempt.roster!.flatMap(({ peer }, index) => (peer === liar.peer.id ? [] : [index]))
    const changes: Array<[RegExp, (shares: ShareKeys['shares'], liar: Liar) => ShareKeys['shares']]> = [
      [
        /share for this peer is bad: BAD_CIPHERTEXT/,
        (shares, liar) => {
          const [a] = others(liar)
          return shares.with(a!, { ...shares[a!]!, sealed: shares[a!]!.sealed.map(byte => byte ^ 1) })
        }
      ],
      [
        /share for this peer is bad: it does not match its hash/,
        (shares, liar) => {
          const [a] = others(liar)
          return shares.with(a!, { ...shares[a!]!, keyShareHash: bytes32(1) })
        }
      ],
      [
        /share for this peer is bad: BAD_CIPHERTEXT/,
        (shares, liar) => {
          const [a, b] = others(liar)
          return shares.with(a!, shares[b!]!).with(b!, shares[a!]!)
        }
      ]
    ]
    for (const [reason, change] of changes)
      expect(roundWith(dealing(change)).refusals.join()).to.match(reason)
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

  it('and gives one member other shares than the rest keeps it neither from the round nor from the result', () => {
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
    expect(liarSurvived).to.equal(true)
    expect([...cluster.peer(victim).sums.keys()]).to.deep.equal(['0.0'])
  })

  it('and acknowledges shares that were never dealt shuts nobody out', () => {
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
})
