import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { connectionsOf } from '../../../node/platform/connection-report.ts'

const PEER = '12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq'
const RELAY = '12D3KooWGRUVh7RUPh9Hx3SZVdpm6aUyZcHpF3Qp5cWqPYTS1Qh4'

describe('the report of connections', () => {
  const reportOf = (address: string, limits?: object) => {
    const connection = {
      remotePeer: PEER,
      remoteAddr: multiaddr(address),
      direction: 'outbound',
      limits,
      timeline: { open: 7 }
    }
    const node = { getConnections: () => [connection] } as unknown as Parameters<typeof connectionsOf>[0]
    const { transport, relayed, sinceMs, peer } = connectionsOf(node)[0]!
    expect({ sinceMs, peer }).to.deep.equal({ sinceMs: 7, peer: PEER })
    return `${relayed ? 'relayed' : 'direct'} ${transport}`
  }

  it('tells over what two peers talk, and whether a third one passes it on', () => {
    expect(reportOf(`/ip4/203.0.113.7/tcp/4001/p2p/${PEER}`)).to.equal('direct tcp')
    expect(reportOf(`/dns4/host.example/tcp/443/wss/p2p/${PEER}`)).to.equal('direct websocket')
    expect(reportOf('/ip4/203.0.113.7/tcp/4002/ws')).to.equal('direct websocket')
    expect(reportOf('/memory/a')).to.equal('direct memory')
    expect(reportOf('/ip4/203.0.113.7/udp/4001/webrtc-direct')).to.equal('direct webrtc')
    expect(reportOf(`/ip4/203.0.113.7/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`)).to.equal('relayed tcp')
    // Signalled through the relay, and straight from peer to peer after that.
    const signalled = `/ip4/203.0.113.7/tcp/4001/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`
    expect(reportOf(signalled)).to.equal('direct webrtc')
    // Someone who was relayed to us is seen at an address without the relay.
    expect(reportOf(`/p2p/${PEER}`, { bytes: 1n })).to.equal('relayed other')
  })
})
