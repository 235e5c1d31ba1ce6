import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { openIdentity, temporaryIdentity } from '../../../node/platform/identity.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { NetworkError } from '../../../protocols/errors.ts'
import { skipBecause } from '../../support/skip.ts'

describe('identity', () => {
  let dir: string
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'fedpeft-identity-')), 'peer')
  })
  afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }))

  it('is made once and is the same ever after', async () => {
    const first = await openIdentity(dir)
    const second = await openIdentity(dir)
    expect(second.peerId).to.equal(first.peerId)
    expect(second.publicKey).to.deep.equal(first.publicKey)
    expect(await readdir(dir)).to.deep.equal(['identity.key'])
  })

  it('is one for all who come at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => openIdentity(dir)))
    expect(new Set(all.map(({ peerId }) => peerId)).size).to.equal(1)
  })

  it('may be read by nobody else', async function () {
    if (process.platform === 'win32') skipBecause(this, 'Windows has no such permissions')
    await openIdentity(dir)
    expect((await stat(join(dir, 'identity.key'))).mode & 0o777).to.equal(0o600)
    expect((await stat(dir)).mode & 0o777).to.equal(0o700)
  })

  it('signs with the key that libp2p proves the peer id with', async () => {
    const { peerId, privateKey, publicKey, sign } = await temporaryIdentity()
    expect(peerId).to.equal(peerIdFromPrivateKey(privateKey).toString())
    const message = new TextEncoder().encode('a link')
    expect(sign(message)).to.deep.equal(new Uint8Array(await privateKey.sign(message)))
    expect(nodeCrypto().ed25519Verify(publicKey, message, sign(message))).to.equal(true)
  })

  it('refuses a file that holds something else, and leaves it alone', async () => {
    await openIdentity(dir)
    const path = join(dir, 'identity.key')
    const rsa = privateKeyToProtobuf(await generateKeyPair('secp256k1'))
    for (const content of [new Uint8Array(0), new TextEncoder().encode('not a key'), rsa]) {
      await writeFile(path, content)
      const error = await openIdentity(dir).catch(error => error)
      expect(error).to.be.instanceOf(NetworkError).with.property('code', 'BAD_IDENTITY')
      expect(error.message).to.include(path).and.include('backup')
      expect(new Uint8Array(await readFile(path))).to.deep.equal(new Uint8Array(content))
    }
  })
})
