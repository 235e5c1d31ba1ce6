import { expect } from 'chai'
import fc from 'fast-check'
import { decodeCanonical } from '../../protocols/codec.ts'
import {
  openMessage,
  PROTOCOL_VERSION,
  sealMessage,
  signedBytes,
  verifySignature,
  ZERO_HASH
} from '../../protocols/envelope.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { type Context, Envelope, Inventory, MaskedInput } from '../../protocols/messages.js'
import { type testMember, testRun } from '../support/chains.ts'

const { run, crypto, members } = testRun(4)
const [member, other] = members as [ReturnType<typeof testMember>, ReturnType<typeof testMember>]
const context: Context = {
  version: PROTOCOL_VERSION,
  run: run.id,
  previousLink: crypto.sha256(Uint8Array.of(1)),
  round: 3,
  attempt: 1,
  rosterHash: crypto.sha256(Uint8Array.of(2)),
  baseModel: run.baseModel,
  encodingHash: crypto.sha256(Uint8Array.of(3))
}
const payload = Uint8Array.of(1, 2, 3)
const sealed = sealMessage('inventory', context, payload, member.signer, crypto)

function codeOf(bytes: Uint8Array): string {
  try {
    openMessage(bytes, crypto)
    return 'opened'
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError)
    return (error as ProtocolError).code
  }
}

describe('an envelope', () => {
  it('opens to what was sealed, and says who signed it', () => {
    expect(openMessage(sealed.bytes, crypto)).to.deep.equal(sealed)
    expect(sealed).to.include({ type: 'inventory', sender: member.id })
    expect(sealed.hash).to.deep.equal(crypto.sha256(sealed.bytes))
  })

  it('is bound to type, payload, sender and every field of its context', () => {
    const envelope = Envelope.decode(sealed.bytes)
    const changed: Array<[string, Partial<Envelope>]> = [
      ['type', { type: 'share-ack' }],
      ['payload', { payload: Uint8Array.of(1, 2, 4) }],
      ['sender', { sender: other.signer.publicKey }],
      ['signature', { signature: envelope.signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) }],
      ['version', { context: { ...context, version: '1.1' } }],
      ['round', { context: { ...context, round: 4 } }],
      ['attempt', { context: { ...context, attempt: 2 } }],
      ...(['run', 'previousLink', 'rosterHash', 'baseModel', 'encodingHash'] as const).map(
        (field): [string, Partial<Envelope>] => [field, { context: { ...context, [field]: ZERO_HASH } }]
      )
    ]
    expect(Object.keys(context).filter(field => !changed.some(([name]) => name === field))).to.deep.equal([])
    for (const [name, part] of changed) {
      expect(codeOf(Envelope.encode({ ...envelope, ...part })), name).to.equal('BAD_SIGNATURE')
    }
  })

  it('has one form only: no bit of it can change and nothing be added', () => {
    fc.assert(
      fc.property(fc.nat(sealed.bytes.length * 8 - 1), at => {
        const bytes = sealed.bytes.slice()
        bytes[at >> 3]! ^= 1 << (at & 7)
        expect(codeOf(bytes)).to.not.equal('opened')
      })
    )
    // An unknown field, and a known one said twice: protobuf would read both without a word.
    expect(codeOf(Uint8Array.of(...sealed.bytes, 0x7a, 1, 0))).to.equal('BAD_MESSAGE')
    expect(codeOf(Uint8Array.of(...sealed.bytes, 0x1a, 3, ...payload))).to.equal('BAD_MESSAGE')
    expect(codeOf(sealed.bytes.subarray(1))).to.equal('BAD_MESSAGE')
    expect(codeOf(new Uint8Array())).to.equal('BAD_MESSAGE')
  })

  it('is refused by form: unknown type, short hashes and keys, another major version', () => {
    const seal = (type: string, changed: Partial<Context> = {}) => {
      const full = { ...context, ...changed }
      const signature = member.signer.sign(signedBytes(type, full, payload))
      return Envelope.encode({ type, context: full, payload, sender: member.signer.publicKey, signature })
    }
    expect(codeOf(seal('inventory'))).to.equal('opened')
    // A word of a later minor version, and what is no word.
    expect(codeOf(seal('gossip'))).to.equal('VERSION')
    for (const type of ['', 'Tip', '-tip', 'a'.repeat(33)])
      expect(codeOf(seal(type)), type).to.equal('BAD_MESSAGE')
    for (const field of ['run', 'previousLink', 'rosterHash', 'baseModel', 'encodingHash'] as const) {
      expect(codeOf(seal('inventory', { [field]: new Uint8Array(31) })), field).to.equal('BAD_MESSAGE')
    }
    expect(codeOf(seal('inventory', { version: '2.0' }))).to.equal('VERSION')
    expect(codeOf(seal('inventory', { version: '1.9' }))).to.equal('opened')
    const envelope = Envelope.decode(sealed.bytes)
    for (const part of [{ sender: new Uint8Array(31) }, { signature: new Uint8Array(63) }]) {
      expect(codeOf(Envelope.encode({ ...envelope, ...part }))).to.equal('BAD_MESSAGE')
    }
  })

  it('a signature does not serve as one of another type with the same bytes', () => {
    const { signature } = sealed
    const verify = (type: 'inventory' | 'share-ack', id = member.id) =>
      verifySignature(id, type, context, payload, signature, crypto)
    expect(verify('inventory')).to.equal(true)
    expect(verify('share-ack')).to.equal(false)
    expect(verify('inventory', other.id)).to.equal(false)
  })

  it('lays its parts apart: a byte moved from one to the next changes what is signed', () => {
    const text = (type: string, part: Uint8Array) => signedBytes(type, context, part).join()
    expect(text('commit', Uint8Array.of(1))).to.not.equal(text('commi', Uint8Array.of(116, 1)))
  })
})

describe('canonical decoding', () => {
  it('gives back what was encoded, for any content', () => {
    const refs = fc.array(
      fc.record({ index: fc.nat(63), hash: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
      { maxLength: 8 }
    )
    fc.assert(
      fc.property(refs, headers => {
        expect(decodeCanonical(Inventory, Inventory.encode({ headers }), 'inventory')).to.deep.equal({
          headers
        })
      })
    )
  })

  it('refuses other encodings of the same message', () => {
    const message = { sharesHash: ZERO_HASH, address: ZERO_HASH, length: 300 }
    const bytes = MaskedInput.encode(message)
    expect(decodeCanonical(MaskedInput, bytes, 'header')).to.deep.equal(message)
    // 300 as a three-byte varint instead of two, and the fields in another order.
    const padded = Uint8Array.of(...bytes.subarray(0, -2), 0xac, 0x82, 0x00)
    const reordered = Uint8Array.of(...bytes.subarray(34), ...bytes.subarray(0, 34))
    for (const other of [padded, reordered]) {
      expect(MaskedInput.decode(other)).to.deep.equal(message)
      expect(() => decodeCanonical(MaskedInput, other, 'header')).to.throw(
        ProtocolError,
        'not in canonical form'
      )
    }
  })
})
