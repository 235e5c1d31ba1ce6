import { expect } from 'chai'
import { UploadLimit } from '../../protocols/upload-limit.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { numberedPeer } from '../support/manifests.ts'

const [a, b, c] = [1, 2, 3].map(numberedPeer) as [string, string, string]

describe('the limit of uploads', () => {
  it('lets everything through at once where there is none', async () => {
    const limit = new UploadLimit({
      clock: new VirtualClock(),
      bytesPerSecond: null,
      bytesPerSecondEach: null
    })
    for (let i = 0; i < 100; i++) await limit.turn(a, 1e9, false)
  })

  it('holds all together to it, and gives everyone the same share', async () => {
    const clock = new VirtualClock()
    const limit = new UploadLimit({ clock, bytesPerSecond: 1000, bytesPerSecondEach: null })
    const sent = new Map<string, number>()
    // One asks for much more at a time than the others.
    for (const [peer, streams] of [
      [a, 8],
      [b, 1],
      [c, 1]
    ] as const) {
      for (let i = 0; i < streams; i++) {
        const go = async (): Promise<void> => {
          for (;;) {
            await limit.turn(peer, 100, false)
            sent.set(peer, (sent.get(peer) ?? 0) + 100)
          }
        }
        void go()
      }
    }
    await clock.advance(29_000)
    const total = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0)
    expect(total).to.be.within(29_000, 30_100)
    for (const bytes of sent.values()) expect(bytes / total).to.be.within(0.3, 0.37)
  })

  it('holds each peer to its own, whatever there is room for in all', async () => {
    const clock = new VirtualClock()
    const limit = new UploadLimit({ clock, bytesPerSecond: 10_000, bytesPerSecondEach: 500 })
    let sent = 0
    const go = async (): Promise<void> => {
      for (;;) {
        await limit.turn(a, 100, false)
        sent += 100
      }
    }
    void go()
    await clock.advance(19_000)
    expect(sent).to.be.within(9_500, 10_100)
  })

  it('lets what a round waits for go before a model', async () => {
    const clock = new VirtualClock()
    const limit = new UploadLimit({ clock, bytesPerSecond: 1000, bytesPerSecondEach: null })
    await limit.turn(a, 1000, false)
    const order: string[] = []
    void limit.turn(b, 500, false).then(() => order.push('model'))
    void limit.turn(a, 500, true).then(() => order.push('round'))
    await clock.advance(3_000)
    expect(order).to.deep.equal(['round', 'model'])
  })

  it('lets a chunk through that is longer than a second of it', async () => {
    const clock = new VirtualClock()
    const limit = new UploadLimit({ clock, bytesPerSecond: 1000, bytesPerSecondEach: null })
    await limit.turn(a, 5000, false)
    let second = false
    void limit.turn(a, 5000, false).then(() => {
      second = true
    })
    await clock.advance(3_900)
    expect(second).to.equal(false)
    await clock.advance(200)
    expect(second).to.equal(true)
  })

  it('lets everyone go when it is closed', async () => {
    const limit = new UploadLimit({ clock: new VirtualClock(), bytesPerSecond: 1, bytesPerSecondEach: null })
    await limit.turn(a, 1000, false)
    const waiting = limit.turn(a, 1000, false)
    limit.close()
    await waiting
  })
})
