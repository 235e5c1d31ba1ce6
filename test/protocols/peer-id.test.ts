import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'chai'
import fc from 'fast-check'
import { ProtocolError } from '../../protocols/errors.ts'
import { isPeerId, peerIdOf, publicKeyOf } from '../../protocols/peer-id.ts'

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('peer id', () => {
  it("is libp2p's text of the same key, and holds that key", async () => {
    await fc.assert(
      fc.asyncProperty(seed, async bytes => {
        const key = await generateKeyPairFromSeed('Ed25519', bytes)
        const text = peerIdFromPrivateKey(key).toString()
        expect(peerIdOf(key.publicKey.raw)).to.equal(text)
        expect(publicKeyOf(text)).to.deep.equal(key.publicKey.raw)
      }),
      { numRuns: 30 }
    )
  })

  it('holds any 32 bytes, zeros in front included', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 0, max: 32 }), (bytes, zeros) => {
        const key = bytes.fill(0, 0, zeros)
        expect(publicKeyOf(peerIdOf(key))).to.deep.equal(key)
      })
    )
  })

  it('is refused when it is of another kind of key, of another form, or mistyped', async () => {
    const text = peerIdOf(new Uint8Array(32).fill(5))
    const others = [
      peerIdFromPrivateKey(await generateKeyPair('secp256k1')).toString(),
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      peerIdFromString(text).toCID().toString(),
      '',
      '1',
      `1${text}`,
      `${text}1`,
      text.slice(0, -1),
      text.replace('K', '0'),
      'z'.repeat(10_000)
    ]
    for (const other of others) {
      expect(isPeerId(other), other).to.equal(false)
      expect(() => publicKeyOf(other))
        .to.throw(ProtocolError)
        .with.property('code', 'BAD_PEER_ID')
    }
    expect(isPeerId(text)).to.equal(true)
  })

  it('is made of 32 bytes only', () => {
    expect(() => peerIdOf(new Uint8Array(31))).to.throw(RangeError, 'got 31')
  })
})
