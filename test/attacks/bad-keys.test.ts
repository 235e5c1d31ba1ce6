import { expect } from 'chai'
import type { Effect } from '../../node/round/round-types.ts'
import { AdvertiseKeys, Envelope } from '../../protocols/messages.js'
import { fromHex } from '../support/bytes.ts'
import { linkKinds } from '../support/cluster-claims.ts'
import {
  bytes32,
  clusterWithLiar,
  type Liar,
  type LiarOptions,
  proposalWith,
  reworded,
  roundWith,
  saidIn,
  saying
} from '../support/liars.ts'

/** RFC 7748's curve: zero, one, and the two points of order 8. */
const lowOrder = [
  bytes32(0),
  Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
  fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
  fromHex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')
]

/** p + u, little-endian, for u below 19: 2^255 - 19 + u. */
function aboveP(u: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xed + u : i === 31 ? 0x7f : 0xff))
}

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

  it('is left out with a key that is written in a second way, which X25519 would take for the first', () => {
    const withTopBit = (key: Uint8Array) => key.map((byte, i) => (i === 31 ? byte | 0x80 : byte))
    for (const change of [
      (keys: AdvertiseKeys) => ({ encryptionKey: withTopBit(keys.maskKey) }),
      (keys: AdvertiseKeys) => ({ maskKey: withTopBit(keys.maskKey) }),
      // p + 9, the base point, and p + 2 (RFC 7748, section 5: decoders reduce modulo p).
      () => ({ maskKey: aboveP(9) }),
      () => ({ encryptionKey: aboveP(2) })
    ]) {
      const { refusals, liarSurvived } = roundWith(advertising(change))
      expect(refusals).to.include('advertise-keys: bad keys')
      expect(liarSurvived).to.equal(false)
    }
  })

  it('is taken with a key that is high, but below p', () => {
    const highest = aboveP(0).map((byte, i) => (i === 0 ? byte - 2 : byte))
    expect(roundWith(advertising(() => ({ encryptionKey: highest }))).refusals.join()).to.not.match(
      /bad keys/
    )
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
    const { cluster, honest, refusals } = clusterWithLiar({
      // Both who have signed two things are expelled, and enough must be left.
      n: 7,
      ...proposalWith(({ roster }, { peer, cluster }) => {
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
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster).at(-1)).to.equal('result')
    const words = 'its roster decision does not follow from what this peer knows'
    expect(refusals()).to.include(`proposal: ${words}`)
    const refusing = honest().filter(({ notices }) =>
      notices.some(notice => notice.notice === 'refused' && notice.reason === words)
    )
    expect(refusing.map(({ id }) => id)).to.deep.equal([victim])
  })

  it('and leads, cannot propose a roster without a quorum, out of order, or with a member twice', () => {
    for (const change of [
      (advertised: Envelope[]) => advertised.slice(2),
      (advertised: Envelope[]) => advertised.toReversed(),
      (advertised: Envelope[]) => [advertised[0]!, ...advertised]
    ]) {
      const { refusals } = roundWith(
        proposalWith(
          ({ roster }) => ({ roster: { ...roster!, advertised: change(roster!.advertised) } }),
          'roster'
        )
      )
      expect(refusals).to.deep.equal([
        'proposal: its roster decision does not follow from what this peer knows'
      ])
    }
  })

  it('and leads, cannot put one key under two names: its own copied from another, which it alone has heard', () => {
    for (const field of ['maskKey', 'encryptionKey', 'selfSeedHash'] as const) {
      const { refusals } = roundWith(
        proposalWith(({ roster }, { peer, cluster, attempt }) => {
          const own = attempt.advertised.get(peer.id)!
          const index = roster!.advertised.findIndex(
            ({ sender }) => sender.join() === peer.member.signer.publicKey.join()
          )
          const other = roster!.advertised[(index + 1) % 4]!
          const keys = {
            ...AdvertiseKeys.decode(own.payload),
            [field]: AdvertiseKeys.decode(other.payload)[field]
          }
          const copy = reworded({ cluster, peer }, own, { payload: AdvertiseKeys.encode(keys) })
          return {
            roster: { ...roster!, advertised: roster!.advertised.with(index, Envelope.decode(copy.bytes)) }
          }
        }, 'roster')
      )
      expect(refusals, field).to.deep.equal([
        'proposal: its roster decision does not follow from what this peer knows'
      ])
    }
  })
})
