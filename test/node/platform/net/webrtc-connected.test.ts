import type { MultiaddrConnection } from '@libp2p/interface'
import { expect } from 'chai'
import {
  connected,
  type PeerConnection,
  upgradedWhenConnected
} from '../../../../node/platform/net/webrtc-connected.ts'

class FakePeerConnection extends EventTarget implements PeerConnection {
  connectionState = 'connecting'

  becomes(state: string): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }
}

function fake(peerConnection?: PeerConnection) {
  const aborts: Error[] = []
  const connection = { peerConnection, abort: (error: Error) => void aborts.push(error) }
  return { aborts, connection: connection as unknown as MultiaddrConnection }
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    error => error
  )

describe('a WebRTC connection whose signalling has ended', () => {
  it('is one when it is connected, at once or soon', async () => {
    const there = new FakePeerConnection()
    there.becomes('connected')
    await connected(fake(there).connection)
    const soon = new FakePeerConnection()
    const waiting = connected(fake(soon).connection)
    soon.becomes('connected')
    await waiting
    await connected(fake().connection)
  })

  it('is closed when it fails, is given up, or does not come about in time', async () => {
    const failing = new FakePeerConnection()
    const failed = fake(failing)
    const waiting = errorOf(connected(failed.connection))
    failing.becomes('failed')
    expect(await waiting)
      .to.have.property('message')
      .that.contains('is failed')
    const aborted = fake(new FakePeerConnection())
    expect(await errorOf(connected(aborted.connection, AbortSignal.abort()))).to.be.an('error')
    const never = fake(new FakePeerConnection())
    expect(await errorOf(connected(never.connection, undefined, 1))).to.be.an('error')
    for (const { aborts } of [failed, aborted, never]) expect(aborts).to.have.length(1)
  })

  it('is not upgraded before, in either direction', async () => {
    const upgraded: string[] = []
    const upgrader = {
      upgradeInbound: async () => void upgraded.push('in'),
      upgradeOutbound: async () => void upgraded.push('out')
    }
    const components = upgradedWhenConnected({ upgrader, other: 7 }) as unknown as {
      upgrader: Record<
        'upgradeInbound' | 'upgradeOutbound',
        (connection: unknown, options: object) => Promise<void>
      >
      other: number
    }
    expect(components.other).to.equal(7)
    for (const how of ['upgradeInbound', 'upgradeOutbound'] as const) {
      const peer = new FakePeerConnection()
      const lost = errorOf(components.upgrader[how](fake(peer).connection, {}))
      peer.becomes('closed')
      expect(await lost).to.be.an('error')
    }
    expect(upgraded).to.deep.equal([])
    const peer = new FakePeerConnection()
    peer.becomes('connected')
    await components.upgrader.upgradeInbound(fake(peer).connection, {})
    await components.upgrader.upgradeOutbound(fake(peer).connection, {})
    expect(upgraded).to.deep.equal(['in', 'out'])
  })
})
