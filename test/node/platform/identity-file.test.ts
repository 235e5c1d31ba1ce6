import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeIdentityFile,
  encodePlainIdentity,
  encodeProtectedIdentity,
  type IdentityFile
} from '../../../node/platform/identity-file.ts'
import { NetworkError } from '../../../protocols/errors.ts'
import { peerIdOf } from '../../../protocols/peer-id.ts'

/** The least that is read: a test guesses often. */
const cheap = { cost: 2 ** 14, blockSize: 1, parallelization: 1 }
const passphrase = 'Schlüssel zum Dorf'

describe('the file of an identity', () => {
  let privateKey: Ed25519PrivateKey
  let bytes: Uint8Array
  before(async () => {
    privateKey = await generateKeyPair('Ed25519')
    bytes = await encodeProtectedIdentity(privateKey, passphrase, cheap)
  })

  const fields = (): Record<string, Record<string, unknown>> => JSON.parse(Buffer.from(bytes).toString())
  const encoded = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document))
  const fault = (content: Uint8Array): NetworkError | null => {
    try {
      decodeIdentityFile(content, 'x/identity.key')
      return null
    } catch (error) {
      return error as NetworkError
    }
  }
  const opened = (file: IdentityFile, text: string): Promise<unknown> =>
    file.kind === 'plain' ? Promise.reject(new Error('plain')) : file.open(text).catch(error => error)

  it('opens with its passphrase, however its letters are composed, and with no other', async () => {
    const file = decodeIdentityFile(bytes, 'x')
    expect(file).to.include({ kind: 'protected', peerId: peerIdOf(privateKey.publicKey.raw) })
    for (const text of [passphrase, passphrase.normalize('NFD')]) {
      expect(await opened(file, text))
        .to.have.property('raw')
        .that.deep.equals(privateKey.raw)
    }
    for (const text of ['', ' ', passphrase.toLowerCase(), `${passphrase} `]) {
      expect(await opened(file, text)).to.include({ name: 'NetworkError', code: 'WRONG_PASSPHRASE' })
    }
  })

  it('holds nothing of the key in the clear, and is another each time', async () => {
    const seed = Buffer.from(privateKey.raw.slice(0, 32))
    for (const form of [seed, seed.toString('hex'), seed.toString('base64')]) {
      expect(Buffer.from(bytes).includes(form)).to.equal(false)
    }
    const again = await encodeProtectedIdentity(privateKey, passphrase, cheap)
    const { encrypted } = JSON.parse(Buffer.from(again).toString())
    expect(encrypted).not.to.equal(fields()['encrypted'])
  })

  it('says by default what a guess costs: 128 MiB of scrypt', async () => {
    const { keyDerivation } = JSON.parse(
      Buffer.from(await encodeProtectedIdentity(privateKey, passphrase)).toString()
    )
    expect(keyDerivation).to.include({ name: 'scrypt', cost: 131_072, blockSize: 8, parallelization: 1 })
  })

  it('does not open once any of its fields is another: the same error as for a wrong passphrase', async () => {
    const { peer, keyDerivation, cipher, encrypted } = fields() as never as Record<string, never>
    const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)
    const salt = (keyDerivation as { salt: string }).salt
    const other = peerIdOf((await generateKeyPair('Ed25519')).publicKey.raw)
    const changed = [
      { ...fields(), peer: other },
      { ...fields(), encrypted: flipped(encrypted) },
      { ...fields(), encrypted: (encrypted as string).slice(2) },
      { ...fields(), cipher: { ...(cipher as object), nonce: flipped((cipher as { nonce: string }).nonce) } },
      { ...fields(), keyDerivation: { ...(keyDerivation as object), salt: flipped(salt) } },
      { ...fields(), keyDerivation: { ...(keyDerivation as object), cost: 2 ** 15 } }
    ]
    expect(peer).not.to.equal(other)
    for (const document of changed) {
      const error = await opened(decodeIdentityFile(encoded(document), 'x'), passphrase)
      expect(error, JSON.stringify(document)).to.include({ code: 'WRONG_PASSPHRASE' })
    }
  })

  it('is refused before any work if it asks for more memory or time than a passphrase is worth', () => {
    const derivations = [
      { cost: 2 ** 30 },
      { cost: 2 ** 20, blockSize: 8 },
      { cost: 2 ** 16, blockSize: 64 },
      { parallelization: 1_000 },
      { cost: 20_000 },
      { cost: 2 ** 10 },
      { cost: 2 ** 14 + 0.5 },
      { blockSize: 0 },
      { name: 'pbkdf2' },
      { salt: '' },
      { salt: 'zz' },
      { more: 1 }
    ]
    for (const derivation of derivations) {
      const document = { ...fields(), keyDerivation: { ...fields()['keyDerivation'], ...derivation } }
      const error = fault(encoded(document))
      expect(error, JSON.stringify(derivation)).to.include({ code: 'BAD_IDENTITY' })
      expect(error!.message).to.contain('x/identity.key').and.contain('keyDerivation')
    }
  })

  it('of a later form is refused by that name', () => {
    expect(fault(encoded({ ...fields(), version: 2 }))!.message).to.contain('form 2, which a later version')
  })

  it('is read without an error of another kind, whatever is in it', () => {
    const json = fc.json().map(text => new TextEncoder().encode(text))
    const braced = fc.uint8Array({ maxLength: 100 }).map(tail => Uint8Array.of(0x7b, ...tail))
    const long = fc.constant(new Uint8Array(5_000).fill(0x7b))
    fc.assert(
      fc.property(fc.oneof(json, braced, long, fc.uint8Array({ maxLength: 200 })), content => {
        expect(fault(content)).to.be.instanceOf(NetworkError).with.property('code', 'BAD_IDENTITY')
      })
    )
  })

  it('without a passphrase is the form of libp2p', () => {
    const file = decodeIdentityFile(encodePlainIdentity(privateKey), 'x')
    expect(file).to.include({ kind: 'plain', peerId: peerIdOf(privateKey.publicKey.raw) })
  })
})
