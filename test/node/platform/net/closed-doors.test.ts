import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../../../node/platform/libp2p-network.ts'
import { createNetworkKey, readNetworkKey } from '../../../../node/platform/net/network-key.ts'
import { readTlsFiles } from '../../../../node/platform/net/tls-files.ts'
import type { NetworkError } from '../../../../protocols/errors.ts'
import { selfSigned } from '../../../support/self-signed.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2026-06-01T00:00:00Z')

describe('private networks and certificates', () => {
  let dir: string
  const networks: Libp2pNetwork[] = []
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fedpeft-doors-'))
  })
  afterEach(async () => {
    await Promise.all(networks.splice(0).map(network => network.close()))
  })
  after(() => rm(dir, { recursive: true }))

  async function peer(init: Partial<Libp2pNetworkInit>): Promise<Libp2pNetwork> {
    const identity = await generateKeyPair('Ed25519')
    const network = await createLibp2pNetwork({
      ...{ identity, transports: 'internet', listen: ['/ip4/127.0.0.1/tcp/0'] },
      ...init
    })
    networks.push(network)
    return network
  }

  async function key(name: string): Promise<Uint8Array> {
    const path = join(dir, name)
    await createNetworkKey(path)
    return readNetworkKey(path)
  }

  it('a network key is a file in the format that libp2p and IPFS share, for its owner only, and is never overwritten', async () => {
    const path = join(dir, 'net.key')
    await createNetworkKey(path)
    expect(await readFile(path, 'utf8')).to.match(
      /^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}\n$/
    )
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect((await failure(createNetworkKey(path))).message).to.include('exists already')
    for (const [what, text] of [
      ['empty', ''],
      ['another header', `/key/swarm/psk/2.0.0/\n/base16/\n${'0'.repeat(64)}\n`],
      ['another encoding', `/key/swarm/psk/1.0.0/\n/base64/\n${'0'.repeat(44)}\n`],
      ['too short', `/key/swarm/psk/1.0.0/\n/base16/\n${'0'.repeat(62)}\n`],
      ['something behind it', `/key/swarm/psk/1.0.0/\n/base16/\n${'0'.repeat(64)}\nmore`]
    ] as const) {
      const damaged = join(dir, 'damaged.key')
      await writeFile(damaged, text)
      expect((await failure(readNetworkKey(damaged))).code, what).to.equal('BAD_NETWORK_KEY')
    }
    expect((await failure(readNetworkKey(join(dir, 'none')))).message).to.include('network-key create')
  })

  it('with a network key WebRTC is off, and the person is told', async () => {
    const warnings: string[] = []
    const networkKey = await key('warned')
    await peer({ networkKey, listen: ['/ip4/127.0.0.1/tcp/0', '/webrtc'], warn: word => warnings.push(word) })
    expect(warnings.join()).to.include('WebRTC is off')
  })

  it('listens on wss with a certificate, and refuses to without', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0/tls/ws']
    const refused = await failure(peer({ listen }))
    expect([refused.code, refused.message.includes('--tls-cert')]).to.deep.equal(['BAD_ADDRESS', true])
    const tls = selfSigned(new Date(Date.now() - DAY_MS), new Date(Date.now() + DAY_MS))
    const door = await peer({ listen, tls })
    const address = door.addresses()[0]!.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
    expect(address).to.include('/tls/ws/')
    const visitor = await peer({ listen: [] })
    expect((await failure(visitor.dial(address))).code).to.equal('UNREACHABLE')
    // Nobody has signed it but itself.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      expect(await visitor.dial(address)).to.equal(door.peerId)
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    }
  })

  it('says what is wrong with a certificate', async () => {
    const good = selfSigned(new Date(NOW.getTime() - DAY_MS), new Date(NOW.getTime() + DAY_MS))
    const other = selfSigned(new Date(NOW.getTime() - DAY_MS), new Date(NOW.getTime() + DAY_MS))
    const files = { good: good.cert, key: good.key, otherKey: other.key, none: 'nothing of the kind' }
    const at = (name: keyof typeof files | 'missing'): string => join(dir, `${name}.pem`)
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, `${name}.pem`), text)
    const nowMs = NOW.getTime()
    expect(await readTlsFiles(at('good'), at('key'), nowMs)).to.deep.equal(good)
    const faults: Array<[Promise<unknown>, string]> = [
      [readTlsFiles(at('missing'), at('key'), nowMs), '--tls-cert'],
      [readTlsFiles(at('good'), at('missing'), nowMs), 'there is no such file'],
      [readTlsFiles(at('none'), at('key'), nowMs), 'is not a PEM certificate'],
      [readTlsFiles(at('good'), at('none'), nowMs), 'is not a PEM private key'],
      [readTlsFiles(at('good'), at('otherKey'), nowMs), 'is not the key of the certificate'],
      [readTlsFiles(at('good'), at('key'), nowMs + 2 * DAY_MS), 'ended on']
    ]
    for (const [reading, words] of faults) {
      const { code, message } = await failure(reading)
      expect(code, words).to.equal('BAD_TLS')
      expect(message).to.include(words)
    }
  })
})

async function failure(work: Promise<unknown>): Promise<NetworkError> {
  return work.then(
    () => expect.fail('expected a failure'),
    error => error
  )
}
