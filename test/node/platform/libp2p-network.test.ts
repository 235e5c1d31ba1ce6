import { networkConformance } from '../../conformance/network.ts'
import { libp2pWorld } from '../../support/libp2p-world.ts'

let count = 0

networkConformance('libp2p over memory', () =>
  libp2pWorld({ init: () => ({ listen: [`/memory/conformance-${count++}`], transports: 'memory' }) })
)

networkConformance('libp2p over tcp', () =>
  libp2pWorld({ init: () => ({ listen: ['/ip4/127.0.0.1/tcp/0'], transports: 'internet' }) })
)
