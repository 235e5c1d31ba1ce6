import { networkConformance } from '../../../conformance/network.ts'
import { libp2pWorld } from '../../../support/libp2p-world.ts'

networkConformance('libp2p over WebSocket', () =>
  libp2pWorld({ init: () => ({ listen: ['/ip4/127.0.0.1/tcp/0/ws'], transports: 'internet' }) })
)

networkConformance('libp2p over WebRTC, directly', () =>
  libp2pWorld({ init: () => ({ listen: ['/ip4/127.0.0.1/udp/0/webrtc-direct'], transports: 'internet' }) })
)

const networkKey = new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${'5a'.repeat(32)}\n`)

networkConformance('libp2p over tcp, with a network key', () =>
  libp2pWorld({ init: () => ({ listen: ['/ip4/127.0.0.1/tcp/0'], transports: 'internet', networkKey }) })
)
