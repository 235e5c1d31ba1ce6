import { expect } from 'chai'
import { accountedNetwork, ByteAccount } from '../../../node/peer/byte-account.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { numberedPeer } from '../../support/manifests.ts'

describe('an account of bytes', () => {
  it('tells what came since it was last asked, and in all', () => {
    const account = new ByteAccount()
    account.add('control', 'sent', 5)
    account.add('maskedUpload', 'sent', 7)
    expect(account.take()).to.deep.equal({
      maskedUpload: { sent: 7, received: 0 },
      verification: { sent: 0, received: 0 },
      control: { sent: 5, received: 0 }
    })
    account.add('control', 'received', 2)
    expect(account.take().control).to.deep.equal({ sent: 0, received: 2 })
    expect(account.take().control).to.deep.equal({ sent: 0, received: 0 })
    expect(account.total.control).to.deep.equal({ sent: 5, received: 2 })
  })

  it('counts both sides of a request by what it is for, and gossip as control', async () => {
    const clock = new VirtualClock()
    const world = createSimWorld({ clock, seed: 1 })
    const accounts = [new ByteAccount(), new ByteAccount()]
    const [a, b] = accounts.map((account, i) =>
      accountedNetwork(world.join(numberedPeer(i)), account, (protocol, body, served) =>
        protocol === '/blob' ? (served && body[0] === 1 ? 'maskedUpload' : 'verification') : 'control'
      )
    )
    await clock.advance(100)
    b!.serve('/blob', 100, async function* () {
      yield new Uint8Array(50)
      yield new Uint8Array(25)
    })
    b!.subscribe('topic', async () => 'accept')
    await a!.publish('topic', new Uint8Array(9))
    for (const first of [1, 2]) {
      const frames: number[] = []
      const reading = (async () => {
        const options = { timeoutMs: 1_000, maxFrameBytes: 100 }
        for await (const frame of a!.request(b!.peerId, '/blob', Uint8Array.of(first, 0), options))
          frames.push(frame.length)
      })()
      await clock.advance(1_000)
      await reading
      expect(frames).to.deep.equal([50, 25])
    }
    expect(accounts[0]!.total).to.deep.equal({
      maskedUpload: { sent: 0, received: 0 },
      verification: { sent: 4, received: 150 },
      control: { sent: 9, received: 0 }
    })
    expect(accounts[1]!.total).to.deep.equal({
      maskedUpload: { sent: 75, received: 2 },
      verification: { sent: 75, received: 2 },
      control: { sent: 0, received: 9 }
    })
  })
})
