import type { Libp2p } from 'libp2p'
import type { Clock } from '../../../protocols/ports.ts'

const SWEEP_MS = 60_000

/**
 * libp2p remembers every peer that was ever connected for six hours, so that whoever comes under ever new names fills
 * the memory. Those that are not connected at two looks in a row are forgotten here; who is to be dialled again is known
 * to peer-keeper.ts.
 * @returns a function that ends it
 */
export function forgetStrangers(
  node: Pick<Libp2p, 'peerStore' | 'getConnections'>,
  clock: Clock,
  log: (message: string) => void
): () => void {
  let gone = new Set<string>()
  let cancel = (): void => {}
  const sweep = async (): Promise<void> => {
    const before = gone
    gone = new Set()
    const connected = new Set(node.getConnections().map(({ remotePeer }) => remotePeer.toString()))
    for (const { id, tags } of await node.peerStore.all()) {
      const peer = id.toString()
      // A tag says that something holds on to it: a relay that is to be kept, for one.
      if (connected.has(peer) || tags.size > 0) continue
      if (before.has(peer)) await node.peerStore.delete(id)
      else gone.add(peer)
    }
  }
  const schedule = (): void => {
    cancel = clock.after(SWEEP_MS, () => {
      sweep().catch(error => log(`cannot forget peers: ${error instanceof Error ? error.message : error}`))
      schedule()
    })
  }
  schedule()
  return () => cancel()
}
