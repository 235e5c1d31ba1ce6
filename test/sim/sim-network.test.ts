import { expect } from 'chai'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { Network } from '../../protocols/ports.ts'
import { createSimWorld } from '../../sim/sim-network.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { networkConformance } from '../conformance/network.ts'

function id(n: number): string {
  return peerIdOf(new Uint8Array(32).fill(n))
}

networkConformance('simulated', async () => {
  const clock = new VirtualClock()
  const world = createSimWorld({ clock, seed: 1 })
  const networks: Network[] = []
  let driving = 0
  const until = async (condition: () => boolean): Promise<void> => {
    driving++
    try {
      if (!(await clock.runUntil(condition, 600_000))) throw new Error('nothing is left that could happen')
    } finally {
      driving--
    }
  }
  return {
    async join() {
      const network = world.join(id(networks.length + 100))
      networks.push(network)
      return network
    },
    async kill(network) {
      world.kill(network.peerId)
    },
    until,
    async moment() {
      const moment = new Promise<void>(resolve => void clock.after(100, resolve))
      let passed = false
      void moment.then(() => (passed = true))
      // Somebody inside `until` already moves the time.
      if (driving === 0) await until(() => passed)
      await moment
    },
    async close() {}
  }
})
