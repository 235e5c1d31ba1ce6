import { PassThrough } from 'node:stream'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import { enterNetwork } from '../../../../node/cli/join/entry.ts'
import { createOutput } from '../../../../node/cli/output.ts'
import { temporaryIdentity } from '../../../../node/platform/identity.ts'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../../../node/platform/libp2p-network.ts'
import type { NetworkError } from '../../../../protocols/errors.ts'
import { untilTrue } from '../../../support/libp2p-world.ts'

const key = (digit: string): Uint8Array =>
  new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${digit.repeat(64)}\n`)

describe('a wrong network key', () => {
  const networks: Libp2pNetwork[] = []
  afterEach(async () => {
    await Promise.all(networks.splice(0).map(network => network.close()))
  })

  async function peer(init: Partial<Libp2pNetworkInit>): Promise<Libp2pNetwork> {
    const identity = await generateKeyPair('Ed25519')
    const network = await createLibp2pNetwork({
      ...{ identity, transports: 'internet', listen: ['/ip4/127.0.0.1/tcp/0'] },
      ...init
    })
    networks.push(network)
    return network
  }

  it('peers with one key meet; a wrong key, and none on either side, get nowhere and are told what it may be', async () => {
    const [ours, theirs] = [key('a'), key('b')]
    const closed = await peer({ networkKey: ours })
    const open = await peer({})
    const member = await peer({ networkKey: ours })
    await member.dial(closed.addresses()[0]!)
    const attempts: Array<[string, Libp2pNetwork, Uint8Array | undefined]> = [
      ['a wrong key', closed, theirs],
      ['no key', closed, undefined],
      ['a key where there is none', open, ours]
    ]
    for (const [what, door, networkKey] of attempts) {
      const identity = await temporaryIdentity()
      const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough() }, false)
      const entering = enterNetwork(
        {
          identity,
          listen: [],
          addresses: [door.addresses()[0]!],
          knownPeers: [],
          reachMs: 1_500,
          settings: networkKey === undefined ? {} : { networkKey }
        },
        { output, signal: new AbortController().signal }
      )
      const { code, message } = await failure(entering.then(entry => entry.close()))
      expect(code, what).to.equal('UNREACHABLE')
      expect(message, what).to.include('network-key')
    }
    await untilTrue(() => closed.peers().length === 1)
    expect(closed.peers()).to.deep.equal([member.peerId])
    expect(open.peers()).to.deep.equal([])
  })
})

async function failure(work: Promise<unknown>): Promise<NetworkError> {
  return work.then(
    () => expect.fail('expected a failure'),
    error => error
  )
}
