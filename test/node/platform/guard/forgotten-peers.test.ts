import { expect } from 'chai'
import { forgetStrangers } from '../../../../node/platform/guard/forgotten-peers.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'

describe('peers that came once', () => {
  it('are forgotten when they are gone at two looks in a row, but not those that are here or held on to', async () => {
    const clock = new VirtualClock()
    const known = new Map(
      ['here', 'gone', 'back', 'held'].map(id => [id, { id, tags: new Map<string, unknown>() }])
    )
    known.get('held')!.tags.set('relay', {})
    let connected = ['here']
    const node = {
      getConnections: () => connected.map(remotePeer => ({ remotePeer })),
      peerStore: { all: async () => [...known.values()], delete: async (id: string) => void known.delete(id) }
    }
    const stop = forgetStrangers(node as unknown as Parameters<typeof forgetStrangers>[0], clock, () => {})
    await clock.advance(60_000)
    expect([...known.keys()]).to.deep.equal(['here', 'gone', 'back', 'held'])
    connected = ['here', 'back']
    await clock.advance(60_000)
    expect([...known.keys()]).to.deep.equal(['here', 'back', 'held'])
    stop()
    connected = []
    await clock.advance(600_000)
    expect([...known.keys()]).to.deep.equal(['here', 'back', 'held'])
  })
})
