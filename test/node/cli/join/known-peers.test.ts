import { expect } from 'chai'
import { readKnownPeers, rememberPeers } from '../../../../node/cli/join/known-peers.ts'
import { encodeKnownPeers, type KnownPeer, PEERS_PROTOCOL } from '../../../../protocols/peer-exchange.ts'
import type { Network } from '../../../../protocols/ports.ts'
import { memoryFiles } from '../../../../sim/memory-files.ts'
import { numberedPeer } from '../../../support/manifests.ts'

const [self, b, c, d] = [1, 2, 3, 4].map(numberedPeer) as [string, string, string, string]

/** Connected to peers that name others, or fail. */
function networkOf(answers: Readonly<Record<string, KnownPeer[] | Error | Uint8Array>>): Network {
  return {
    peerId: self,
    peers: () => Object.keys(answers),
    async *request(to: string, protocol: string) {
      expect(protocol).to.equal(PEERS_PROTOCOL)
      const answer = answers[to]!
      if (answer instanceof Error) throw answer
      yield answer instanceof Uint8Array ? answer : encodeKnownPeers(answer)
    }
  } as unknown as Network
}

describe('peers met before', () => {
  it('are what connected peers name, each with its id, and not oneself', async () => {
    const files = memoryFiles()
    const network = networkOf({
      [b]: [
        { peer: c, addresses: ['/ip4/10.0.0.3/tcp/4003', '/ip4/127.0.0.1/tcp/4003'] },
        { peer: self, addresses: ['/ip4/10.0.0.1/tcp/4001'] }
      ],
      [c]: [{ peer: b, addresses: [`/ip4/10.0.0.2/tcp/4002/p2p/${b}`] }]
    })
    await rememberPeers(files, network)
    expect(await readKnownPeers(files)).to.have.members([
      `/ip4/10.0.0.3/tcp/4003/p2p/${c}`,
      `/ip4/127.0.0.1/tcp/4003/p2p/${c}`,
      `/ip4/10.0.0.2/tcp/4002/p2p/${b}`
    ])
  })

  it('are kept from before behind the new ones, up to a limit', async () => {
    const files = memoryFiles()
    const addressOf = (i: number) => `/ip4/10.0.0.9/tcp/${i}`
    await rememberPeers(files, networkOf({ [b]: [{ peer: d, addresses: [addressOf(1)] }] }))
    for (let i = 2; i < 60; i++) {
      await rememberPeers(files, networkOf({ [b]: [{ peer: c, addresses: [addressOf(i)] }] }))
    }
    const known = await readKnownPeers(files)
    expect(known).to.have.length(32)
    expect(known[0]).to.equal(`${addressOf(59)}/p2p/${c}`)
  })

  it('survive peers that fail or answer nonsense, and stay as they were if nobody answers', async () => {
    const files = memoryFiles()
    const good = [{ peer: d, addresses: ['/ip4/10.0.0.4/tcp/1'] }]
    await rememberPeers(files, networkOf({ [b]: new Error('gone'), [c]: good }))
    const before = await readKnownPeers(files)
    expect(before).to.deep.equal([`/ip4/10.0.0.4/tcp/1/p2p/${d}`])
    await rememberPeers(files, networkOf({ [b]: Uint8Array.of(1, 2, 3), [c]: [] }))
    await rememberPeers(files, networkOf({}))
    expect(await readKnownPeers(files)).to.deep.equal(before)
  })

  it('are none where the file is missing or damaged', async () => {
    const files = memoryFiles()
    expect(await readKnownPeers(files)).to.deep.equal([])
    for (const text of ['{', '{}', '[1, "nonsense", "/ip4/1.2.3.4/tcp/1"]']) {
      await files.write('known-peers.json', new TextEncoder().encode(text))
      expect(await readKnownPeers(files)).to.deep.equal([])
    }
  })
})
