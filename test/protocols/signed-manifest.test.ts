import { expect } from 'chai'
import fc from 'fast-check'
import { ed25519Signer, nodeCrypto } from '../../node/platform/node-crypto.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { MANIFEST_BYTES } from '../../protocols/limits.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { canonicalManifest, parseManifest } from '../../protocols/run-manifest.ts'
import {
  decodeSignedManifest,
  encodeSignedManifest,
  signManifest,
  verifyManifest
} from '../../protocols/signed-manifest.ts'
import { arbitraryManifest, leastManifest, numberedPeer } from '../support/manifests.ts'

const crypto = nodeCrypto()
const signer = ed25519Signer(new Uint8Array(32).fill(5))
const author = peerIdOf(signer.publicKey)
const signed = signManifest(parseManifest({ ...leastManifest, author }), signer)

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError)
    return (error as ProtocolError).code
  }
  return 'none'
}

describe('signed manifest', () => {
  it('goes over the wire and is verified, whatever it says', () => {
    fc.assert(
      fc.property(arbitraryManifest(), given => {
        const manifest = parseManifest({ ...given, author })
        const wire = encodeSignedManifest(signManifest(manifest, signer))
        expect(verifyManifest(wire, crypto)).to.deep.equal(manifest)
      }),
      { numRuns: 50 }
    )
  })

  it('verifies the two parts of a file, with defaults left out', () => {
    const given = { manifest: { ...leastManifest, author }, signature: signed.signature }
    expect(verifyManifest(given, crypto)).to.deep.equal(signed.manifest)
  })

  it('refuses the wire form with any one byte changed', () => {
    const wire = encodeSignedManifest(signed)
    fc.assert(
      fc.property(fc.nat(wire.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = wire.slice()
        altered[at]! ^= change
        expect(codeOf(() => verifyManifest(altered, crypto))).not.to.equal('none')
      }),
      { numRuns: 300 }
    )
  })

  it('refuses a change of any field after signing', () => {
    const manifest = { ...signed.manifest, rounds: 9 }
    expect(codeOf(() => verifyManifest({ manifest, signature: signed.signature }, crypto))).to.equal(
      'BAD_SIGNATURE'
    )
  })

  it('refuses the signature of anyone but the author', () => {
    const other = ed25519Signer(new Uint8Array(32).fill(6))
    expect(codeOf(() => signManifest(signed.manifest, other))).to.equal('BAD_SIGNATURE')
    const signature = other.sign(canonicalManifest(signed.manifest))
    expect(codeOf(() => verifyManifest({ manifest: signed.manifest, signature }, crypto))).to.equal(
      'BAD_SIGNATURE'
    )
  })

  it('refuses a signature of the bare bytes: what is signed names its purpose', () => {
    const signature = signer.sign(canonicalManifest(signed.manifest))
    expect(codeOf(() => verifyManifest({ manifest: signed.manifest, signature }, crypto))).to.equal(
      'BAD_SIGNATURE'
    )
  })

  it('has one wire form: other spacing, order, a repeated key or a field left out is refused', () => {
    const text = new TextDecoder().decode(encodeSignedManifest(signed))
    const others = [
      text.replace(':', ': '),
      `${text}\n`,
      text.replace('"rounds":8,', ''),
      text.replace('"rounds":8,', '"rounds":8,"rounds":8,'),
      text.replace('"rounds":8', '"rounds":8.0'),
      text.replace('{"manifest"', '{"extra":1,"manifest"')
    ]
    for (const other of others) {
      expect(other).not.to.equal(text)
      expect(codeOf(() => decodeSignedManifest(new TextEncoder().encode(other)))).to.equal('BAD_MESSAGE')
    }
  })

  it('is bounded both ways', () => {
    const long = new Uint8Array(MANIFEST_BYTES + 1).fill(0x20)
    expect(codeOf(() => decodeSignedManifest(long))).to.equal('BAD_MESSAGE')
    // The longest manifest that the schema allows still fits.
    const peers = Array.from({ length: 512 }, (_, i) => numberedPeer(i))
    const largest = parseManifest({ ...leastManifest, author, admission: { kind: 'list', peers } })
    expect(encodeSignedManifest(signManifest(largest, signer)).length).to.be.below(MANIFEST_BYTES)
  })

  it('refuses what is not a signed manifest at all', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map(text => new TextEncoder().encode(text))
        ),
        bytes => {
          expect(codeOf(() => decodeSignedManifest(bytes))).not.to.equal('none')
        }
      )
    )
  })
})
