import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../../node/platform/libp2p-network.ts'
import { networkConformance } from '../../conformance/network.ts'

const PATIENCE_MS = 20_000
let count = 0

for (const transports of ['memory', 'tcp'] as const) {
  networkConformance(`libp2p over ${transports}`, async () => {
    const networks: Libp2pNetwork[] = []
    const until = async (condition: () => boolean): Promise<void> => {
      const deadlineMs = Date.now() + PATIENCE_MS
      while (!condition()) {
        if (Date.now() > deadlineMs) throw new Error(`waited ${PATIENCE_MS} ms`)
        await new Promise(resolve => setTimeout(resolve, 2))
      }
    }
    return {
      async join() {
        const network = await createLibp2pNetwork({
          identity: await generateKeyPair('Ed25519'),
          listen: [transports === 'tcp' ? '/ip4/127.0.0.1/tcp/0' : `/memory/conformance-${count++}`],
          transports
        })
        const others = networks.filter(other => other.addresses().length > 0)
        for (const other of others) await network.dial(other.addresses()[0]!)
        await until(() => others.every(other => other.peers().includes(network.peerId)))
        networks.push(network)
        return network
      },
      kill: network => network.close(),
      until,
      moment: () => new Promise(resolve => setTimeout(resolve, 20)),
      async close() {
        await Promise.all(networks.map(network => network.close()))
      }
    }
  })
}
