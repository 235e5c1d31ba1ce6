import { expect } from 'chai'
import fc from 'fast-check'
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { fieldText, readFields } from '../../protocols/field-list.ts'
import { PEER_ADDRESSES, PEER_EXCHANGE_BYTES, PEER_EXCHANGE_PEERS } from '../../protocols/limits.ts'
import { decodeKnownPeers, encodeKnownPeers } from '../../protocols/peer-exchange.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'

const peer = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(peerIdOf)
const address = fc.string({ maxLength: 80, unit: 'grapheme-ascii' })
const knownPeer = fc.record({ peer, addresses: fc.array(address, { maxLength: PEER_ADDRESSES }) })

describe('peer exchange', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.array(knownPeer, { maxLength: 20 }), known => {
        expect(decodeKnownPeers(encodeKnownPeers(known))).to.deep.equal(known)
      })
    )
  })

  it('writes no more than the other side reads', () => {
    const id = peerIdOf(new Uint8Array(32))
    const long = `/ip6/2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/tcp/65535/p2p/${id}`
    const one = { peer: id, addresses: new Array<string>(2 * PEER_ADDRESSES).fill(long) }
    const bytes = encodeKnownPeers(new Array(2 * PEER_EXCHANGE_PEERS).fill(one))
    expect(bytes.length).to.be.at.most(PEER_EXCHANGE_BYTES)
    const read = decodeKnownPeers(bytes)
    expect(read).to.have.length(PEER_EXCHANGE_PEERS)
    expect(read[0]!.addresses).to.have.length(PEER_ADDRESSES)
  })

  it('refuses anything else', () => {
    const good = peerIdOf(new Uint8Array(32))
    const bad = [
      Uint8Array.of(1, 2, 3),
      lengthPrefixed(Uint8Array.of(9)),
      lengthPrefixed(lengthPrefixed()),
      lengthPrefixed(lengthPrefixed('12D3KooWnobody', '/ip4/127.0.0.1/tcp/1')),
      lengthPrefixed(lengthPrefixed(good, Uint8Array.of(0xff, 0xfe))),
      lengthPrefixed(lengthPrefixed(good, 'x'.repeat(300))),
      lengthPrefixed(lengthPrefixed(good, ...new Array<string>(PEER_ADDRESSES + 1).fill('x')))
    ]
    for (const bytes of bad) {
      expect(() => decodeKnownPeers(bytes))
        .to.throw(ProtocolError)
        .with.property('code', 'BAD_MESSAGE')
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        try {
          decodeKnownPeers(bytes)
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError)
        }
      })
    )
  })
})

describe('field list', () => {
  it('reads back any fields', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), fields => {
        expect(readFields(lengthPrefixed(...fields), 10)).to.deep.equal(fields)
      })
    )
  })

  it('refuses what is cut short, overlong, or has too many fields', () => {
    const bytes = lengthPrefixed('a', 'bc')
    expect(readFields(bytes, 2)).to.have.length(2)
    expect(readFields(bytes, 1)).to.equal(null)
    for (let end = 1; end < bytes.length; end++) {
      if (end !== 5) expect(readFields(bytes.subarray(0, end), 2), `${end}`).to.equal(null)
    }
    expect(readFields(Uint8Array.of(255, 255, 255, 255, 0), 2)).to.equal(null)
  })

  it('takes only UTF-8 for text', () => {
    expect(fieldText(new TextEncoder().encode('grün'))).to.equal('grün')
    expect(fieldText(Uint8Array.of(0xc3))).to.equal(null)
  })
})
