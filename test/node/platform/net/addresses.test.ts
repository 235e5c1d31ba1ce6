import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import {
  kindOfText,
  parseAddress,
  peerOf,
  relayOf,
  scopeOf
} from '../../../../node/platform/net/addresses.ts'
import { announcedAddresses } from '../../../../node/platform/net/announced.ts'
import { dialPlan } from '../../../../node/platform/net/dial-order.ts'
import { NetworkError } from '../../../../protocols/errors.ts'
import { peerIdOf } from '../../../../protocols/peer-id.ts'

const PEER = peerIdOf(new Uint8Array(32).fill(1))
const RELAY = peerIdOf(new Uint8Array(32).fill(2))
const CERTHASH = 'uEiD9TDfEOWhyNQPYSoAPrlDRDyAJ4oS7FYXJKQ4lleEBkw'

describe('network addresses', () => {
  it('each belongs to one transport, with a name as with a number, with a peer as without', () => {
    const kinds: Array<[string, string | null]> = [
      ['/ip4/203.0.113.7/tcp/4001', 'tcp'],
      [`/ip6/2001:db8::1/tcp/4001/p2p/${PEER}`, 'tcp'],
      ['/dns4/boot.example.org/tcp/4001', 'tcp'],
      ['/ip4/203.0.113.7/tcp/80/ws', 'ws'],
      ['/dns4/boot.example.org/tcp/443/tls/ws', 'wss'],
      ['/dns/boot.example.org/tcp/443/wss', 'wss'],
      [`/dnsaddr/boot.example.org/p2p/${PEER}`, 'dnsaddr'],
      [`/ip4/203.0.113.7/udp/4001/webrtc-direct/certhash/${CERTHASH}/p2p/${PEER}`, 'webrtc-direct'],
      [`/ip4/203.0.113.7/tcp/4001/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`, 'webrtc'],
      [`/ip4/203.0.113.7/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, 'circuit'],
      ['/webrtc', 'webrtc'],
      ['/memory/a', 'memory'],
      ['/dns4/example.org/udp/1', null],
      ['/ip4/1.2.3.4/udp/1/quic-v1', null],
      ['nonsense', null]
    ]
    for (const [address, kind] of kinds) expect(kindOfText(address), address).to.equal(kind)
  })

  it('what no transport takes is refused with an example', () => {
    for (const address of ['boot.example.org:4001', '/ip4/1.2.3.4/udp/1/quic-v1', '/memory/a', '']) {
      expect(() => parseAddress(address, 'internet'), address)
        .to.throw(NetworkError, '/ip4/127.0.0.1/tcp/4001')
        .with.property('code', 'BAD_ADDRESS')
    }
    expect(() => parseAddress('/ip4/127.0.0.1/tcp/1', 'memory')).to.throw(NetworkError, '/memory/name')
  })

  it('an address through a relay leads to the peer behind it, not to the relay', () => {
    const whole = multiaddr(`/ip4/203.0.113.7/tcp/1/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`)
    expect([peerOf(whole), relayOf(whole)]).to.deep.equal([PEER, RELAY])
    const bare = multiaddr(`/ip4/203.0.113.7/tcp/1/p2p/${RELAY}/p2p-circuit/webrtc`)
    expect([peerOf(bare), relayOf(bare)]).to.deep.equal([null, RELAY])
  })

  it('lies near or far', () => {
    const scopes = [
      '127.0.0.1',
      '169.254.0.9',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.9.9',
      '100.64.0.1',
      '8.8.8.8'
    ].map(host => scopeOf(multiaddr(`/ip4/${host}/tcp/1`)))
    expect(scopes).to.deep.equal([
      'loopback',
      'link-local',
      'private',
      'private',
      'private',
      'private',
      'public'
    ])
    expect(scopeOf(multiaddr('/ip6/fd00::1/tcp/1'))).to.equal('private')
    expect(scopeOf(multiaddr('/dns4/boot.example.org/tcp/1'))).to.equal('public')
  })
})

describe('dial order', () => {
  const at = (host: string): ReturnType<typeof multiaddr> => multiaddr(`/ip4/${host}/tcp/1/p2p/${PEER}`)
  const webrtc = multiaddr(`/ip4/8.8.8.8/tcp/1/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`)

  it('the same network first, then the public one, and home addresses behind other routers last', () => {
    const { direct } = dialPlan(
      [at('10.9.9.9'), at('127.0.0.1'), at('8.8.8.8'), at('192.168.7.3')],
      ['192.168.7.2/24'],
      true
    )
    expect(direct.map(String)).to.deep.equal(
      [at('192.168.7.3'), at('8.8.8.8'), at('127.0.0.1'), at('10.9.9.9')].map(String)
    )
  })

  it('an address for WebRTC stands for its relayed half too, and for that only where there is no WebRTC', () => {
    const circuit = `/ip4/8.8.8.8/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`
    const both = dialPlan([webrtc], [], true)
    expect([both.webrtc.map(String), both.relayed.map(String)]).to.deep.equal([
      [webrtc.toString()],
      [circuit]
    ])
    const without = dialPlan([webrtc], [], false)
    expect([without.webrtc, without.relayed.map(String)]).to.deep.equal([[], [circuit]])
  })
})

describe('announced addresses', () => {
  const way = (host: string, tail: string): ReturnType<typeof multiaddr> =>
    multiaddr(`/ip4/${host}/tcp/1/p2p/${RELAY}/p2p-circuit${tail}`)
  const all = ['127.0.0.1', '10.0.0.1', '8.8.8.8'].flatMap(host => [way(host, ''), way(host, '/webrtc')])
  const own = multiaddr('/ip4/10.0.0.9/tcp/5')

  it('of a relay its two best ways, for WebRTC or without it, and every address of its own', () => {
    expect(announcedAddresses([own, ...all], true, []).map(String)).to.deep.equal(
      [own, way('8.8.8.8', '/webrtc'), way('10.0.0.1', '/webrtc')].map(String)
    )
    expect(announcedAddresses(all, false, []).map(String)).to.deep.equal(
      [way('8.8.8.8', ''), way('10.0.0.1', '')].map(String)
    )
  })

  it('the way that the person gave comes first', () => {
    const given = [`/ip4/127.0.0.1/tcp/1/p2p/${RELAY}`]
    expect(announcedAddresses(all, true, given).map(String)[0]).to.equal(
      way('127.0.0.1', '/webrtc').toString()
    )
  })
})
