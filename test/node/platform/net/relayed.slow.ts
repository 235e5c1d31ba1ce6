import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../../../node/platform/libp2p-network.ts'
import { BLOB_PROTOCOL } from '../../../../protocols/blob-messages.ts'
import { untilTrue } from '../../../support/libp2p-world.ts'

const OPTIONS = { timeoutMs: 10_000, maxFrameBytes: 1_000 }

describe('relayed for good', () => {
  const networks: Libp2pNetwork[] = []
  afterEach(async () => {
    await Promise.all(networks.splice(0).map(network => network.close()))
  })

  async function peer(init: Partial<Libp2pNetworkInit>): Promise<Libp2pNetwork> {
    const identity = await generateKeyPair('Ed25519')
    const network = await createLibp2pNetwork({ identity, listen: [], transports: 'internet', ...init })
    networks.push(network)
    return network
  }

  it('a peer without WebRTC is reached through the relay for good: small requests, and no bodies', async () => {
    const bootstrap = await peer({ listen: ['/ip4/127.0.0.1/tcp/0'], isRelay: true })
    const bootstrapAddresses = bootstrap.addresses()
    const a = await peer({ listen: ['/p2p-circuit'], bootstrapAddresses })
    const b = await peer({ listen: ['/p2p-circuit'], bootstrapAddresses })
    await untilTrue(() => a.peers().includes(b.peerId) && b.peers().includes(a.peerId))
    for (const protocol of ['/fedpeft/chain/1', BLOB_PROTOCOL]) {
      b.serve(protocol, 100, async function* (_, body) {
        yield body
      })
    }
    const ask = async (protocol: string): Promise<number> => {
      let frames = 0
      for await (const _ of a.request(b.peerId, protocol, Uint8Array.of(1), OPTIONS)) frames++
      return frames
    }
    expect(await ask('/fedpeft/chain/1')).to.equal(1)
    const refused = await ask(BLOB_PROTOCOL).catch(error => error)
    expect(refused).to.have.property('code', 'UNREACHABLE')
    expect(refused.message).to.include('through a relay only')
  })
})
