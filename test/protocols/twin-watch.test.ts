import { expect } from 'chai'
import { temporaryIdentity } from '../../node/platform/identity.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { INSTANCE_PROTOCOL, watchForTwins } from '../../protocols/twin-watch.ts'
import { createSimWorld } from '../../sim/sim-network.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { testMember } from '../support/chains.ts'

const { randomBytes } = nodeCrypto()
const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

describe('two processes with one identity', () => {
  it('are both told by those who hear both, over real connections; a restarted one is not', async function () {
    this.timeout(60_000)
    const clock = new VirtualClock(1_000_000)
    const networks: Libp2pNetwork[] = []
    const twin = await temporaryIdentity()
    const open = async (identity = twin): Promise<Libp2pNetwork> => {
      const known = networks[0]?.addresses() ?? []
      const { privateKey } = identity
      const init = { identity: privateKey, listen: [LOOPBACK], bootstrapAddresses: known }
      const network = await createLibp2pNetwork({ ...init, transports: 'internet' })
      networks.push(network)
      if (known.length > 0) await network.dial(known[0]!)
      return network
    }
    const told: string[] = []
    const watch = (network: Libp2pNetwork, name: string) =>
      watchForTwins({
        network,
        clock,
        randomBytes,
        onTwin: witnesses => told.push(`${name} by ${witnesses}`)
      })
    const pass = async (rounds: number): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        await clock.advance(60_000)
        // Answers come over sockets, which virtual time knows nothing of.
        await Promise.all(networks.slice(1).map(network => asked(network, networks[0]!)))
      }
    }
    try {
      const hub = await open(await temporaryIdentity())
      const stopHub = watch(hub, 'hub')
      const first = await open()
      const stopFirst = watch(first, 'first')
      await pass(3)
      stopFirst()
      await first.close()
      networks.splice(networks.indexOf(first), 1)
      const restarted = await open()
      const stopRestarted = watch(restarted, 'restarted')
      await pass(3)
      expect(told).to.deep.equal([])
      const copy = await open()
      const stopCopy = watch(copy, 'copy')
      await pass(4)
      expect(told.toSorted()).to.deep.equal(['copy by 1', 'restarted by 1'])
      for (const stop of [stopHub, stopRestarted, stopCopy]) stop()
      expect(clock.pending).to.equal(0)
    } finally {
      await Promise.all(networks.map(network => network.close()))
    }
  })

  it('are nothing to peers that hear only one, that answer nonsense, or that do not answer', async () => {
    const clock = new VirtualClock(1_000_000)
    const world = createSimWorld({ clock, seed: 1 })
    const told: number[] = []
    const network = world.join(testMember(1).id)
    const stop = watchForTwins({ network, clock, randomBytes, onTwin: witnesses => told.push(witnesses) })
    world.join(testMember(2).id)
    world.join(testMember(3).id).serve(INSTANCE_PROTOCOL, 16, async function* () {})
    world.join(testMember(4).id).serve(INSTANCE_PROTOCOL, 16, async function* () {
      yield new Uint8Array(100).fill(1)
    })
    const honest = world.join(testMember(5).id)
    const others = watchForTwins({
      network: honest,
      clock,
      randomBytes,
      onTwin: witnesses => told.push(witnesses)
    })
    await clock.advance(600_000)
    expect(told).to.deep.equal([])
    stop()
    others()
  })

  it('leave no more behind than the last numbers of an identity, however many it makes up', async () => {
    const clock = new VirtualClock(1_000_000)
    const world = createSimWorld({ clock, seed: 1 })
    const victim = world.join(testMember(1).id)
    const stop = watchForTwins({ network: victim, clock, randomBytes, onTwin: () => {} })
    const liar = world.join(testMember(2).id)
    await clock.advance(1_000)
    const answers: number[] = []
    const options = { timeoutMs: 5_000, maxFrameBytes: 1 }
    const numbers = Array.from({ length: 50 }, () => randomBytes(16))
    const flood = async (): Promise<void> => {
      for (const number of [...numbers, ...numbers]) {
        for await (const answer of liar.request(victim.peerId, INSTANCE_PROTOCOL, number, options))
          answers.push(answer[0]!)
      }
    }
    let isDone = false
    void flood().then(() => (isDone = true))
    await clock.runUntil(() => isDone, 600_000)
    expect(answers).to.have.length(100)
    expect(Math.max(...answers)).to.be.at.most(3)
    stop()
  })
})

/** One more question over the same connection: what was asked before it has been answered by then. */
async function asked(from: Libp2pNetwork, to: Libp2pNetwork): Promise<void> {
  const options = { timeoutMs: 5_000, maxFrameBytes: 1 }
  // Of another length, so that it is not counted.
  for await (const _ of from.request(to.peerId, INSTANCE_PROTOCOL, new Uint8Array(1), options)) return
}
