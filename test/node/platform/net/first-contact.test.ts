import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { expect } from 'chai'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../../../node/platform/libp2p-network.ts'
import { BLOB_PROTOCOL } from '../../../../protocols/blob-messages.ts'
import { untilTrue } from '../../../support/libp2p-world.ts'

const OPTIONS = { timeoutMs: 10_000, maxFrameBytes: 1_000 }

describe('first contact through a relay', () => {
  const networks: Libp2pNetwork[] = []
  const words: string[] = []
  afterEach(async () => {
    await Promise.all(networks.splice(0).map(network => network.close()))
    words.splice(0)
  })

  async function peer(init: Partial<Libp2pNetworkInit>): Promise<Libp2pNetwork> {
    const network = await createLibp2pNetwork({
      identity: await generateKeyPair('Ed25519'),
      listen: [],
      transports: 'internet',
      log: word => words.push(word),
      ...init
    })
    networks.push(network)
    return network
  }

  const relay = (identity: PrivateKey, port = 0): Promise<Libp2pNetwork> =>
    peer({ identity, listen: [`/ip4/127.0.0.1/tcp/${port}`], isRelay: true })

  it('two peers that listen nowhere meet through the bootstrap peer, and talk without it', async () => {
    const bootstrap = await relay(await generateKeyPair('Ed25519'))
    const bootstrapAddresses = bootstrap.addresses()
    const [a, b] = await Promise.all([
      peer({ listen: ['/webrtc'], bootstrapAddresses }),
      peer({ listen: ['/webrtc'], bootstrapAddresses })
    ])
    await untilTrue(() => a.peers().includes(b.peerId) && b.peers().includes(a.peerId))
    await bootstrap.close()
    await untilTrue(() => !a.peers().includes(bootstrap.peerId) && !b.peers().includes(bootstrap.peerId))
    b.serve(BLOB_PROTOCOL, 100, async function* (_, body) {
      yield body
    })
    const frames: Uint8Array[] = []
    for await (const frame of a.request(b.peerId, BLOB_PROTOCOL, Uint8Array.of(1, 2), OPTIONS))
      frames.push(frame)
    expect(frames).to.deep.equal([Uint8Array.of(1, 2)])
    expect(a.peers()).to.deep.equal([b.peerId])
  })

  it('a relay that restarts gives its places again', async () => {
    const identity = await generateKeyPair('Ed25519')
    const first = await relay(identity)
    const bootstrapAddresses = first.addresses()
    const port = Number(/tcp\/(\d+)/.exec(bootstrapAddresses[0]!)![1])
    const a = await peer({ listen: ['/webrtc'], bootstrapAddresses })
    const isReachable = (): boolean => a.addresses().some(address => address.includes('/p2p-circuit/webrtc/'))
    await untilTrue(isReachable)
    await first.close()
    await untilTrue(() => !isReachable())
    await relay(identity, port)
    await untilTrue(isReachable)
    const b = await peer({ listen: ['/webrtc'], bootstrapAddresses })
    await untilTrue(() => b.peers().includes(a.peerId))
  })
})
