/**
 * Cuts connections on which a peer cannot be heard: gossipsub opens its stream once per connection, and when that
 * breaks, or the connection that carried it closes while a second one lives, nobody opens another.
 */
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import type { FedpeftNode } from '../libp2p-node.ts'

export interface GossipRepairPorts {
  readonly node: FedpeftNode
  readonly clock: Clock
  isSpeaking(peer: PeerId): boolean
  log(message: string): void
}

/** How often connections are looked at that are up but of no use. */
const REPAIR_INTERVAL_MS = 10_000

export class GossipRepair {
  readonly #ports: GossipRepairPorts
  #useless = new Set<PeerId>()
  #cancel = (): void => {}

  constructor(ports: GossipRepairPorts) {
    this.#ports = ports
  }

  start(): void {
    this.#cancel = this.#ports.clock.after(REPAIR_INTERVAL_MS, () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#cancel()
  }

  #look(): void {
    const { node, log } = this.#ports
    const { pubsub } = node.services as unknown as {
      pubsub: { readonly streamsOutbound?: ReadonlyMap<string, unknown> }
    }
    const seen = this.#useless
    this.#useless = new Set()
    for (const remote of node.getPeers()) {
      const peer = remote.toString()
      // A relayed connection carries no gossip, and is not meant to.
      if (node.getConnections(remote).every(({ limits }) => limits !== undefined)) continue
      if (this.#ports.isSpeaking(peer) && pubsub.streamsOutbound?.has(peer) !== false) continue
      // At the second look only: a connection takes a moment to become useful.
      if (!seen.has(peer)) this.#useless.add(peer)
      else {
        log(`the connection to ${peer} carries no gossip: making a new one`)
        node.hangUp(remote).catch(error => log(`cannot hang up on ${peer}: ${error}`))
      }
    }
  }
}
