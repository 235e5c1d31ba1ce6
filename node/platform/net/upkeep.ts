/** What a running node needs done for it: connections without use cut, relayed ones replaced, places on relays kept. */
import type { Connection } from '@libp2p/interface'
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import type { FedpeftNode } from '../libp2p-node.ts'
import { GossipRepair } from './gossip-repair.ts'
import { RelayReservations } from './relay-reservations.ts'
import type { OpenedTransports } from './transports.ts'

export interface UpkeepPorts {
  readonly node: FedpeftNode
  readonly opened: OpenedTransports
  readonly clock: Clock
  /** Whether that peer is known to speak our protocols. */
  isSpeaking(peer: PeerId): boolean
  log(message: string): void
}

/** Whoever speaks it relays: circuit relay v2, its hop half. */
const RELAY_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'

/** The signalling stream on it is still being closed when the connection that it made is up. */
const RELAYED_CLOSE_MS = 2_000

export class Upkeep {
  readonly relays: RelayReservations
  readonly #ports: UpkeepPorts
  readonly #repair: GossipRepair
  readonly #onOpen: (event: CustomEvent<Connection>) => void
  readonly #closings = new Set<() => void>()

  constructor(ports: UpkeepPorts) {
    const { node, opened, clock, log } = ports
    this.#ports = ports
    this.relays = new RelayReservations({
      clock,
      transport: () => opened.relayTransport(),
      listen: address => node.services.inside.transportManager.listen([address]),
      connections: peer => node.getConnections(peer),
      log
    })
    this.#repair = new GossipRepair({ node, clock, isSpeaking: peer => ports.isSpeaking(peer), log })
    this.#onOpen = event => this.#opened(event.detail)
  }

  start(): void {
    const { node, opened, log } = this.#ports
    node.addEventListener('connection:open', this.#onOpen)
    this.#repair.start()
    if (opened.isRelayed) {
      const watching = node.register(RELAY_PROTOCOL, { onConnect: peer => this.relays.met(peer) })
      watching.catch(error => log(`cannot watch for relays: ${error}`))
      this.relays.start()
    }
  }

  stop(): void {
    this.#ports.node.removeEventListener('connection:open', this.#onOpen)
    for (const cancel of this.#closings) cancel()
    this.relays.stop()
    this.#repair.stop()
  }

  #opened(connection: Connection): void {
    const { node, clock } = this.#ports
    if (connection.limits !== undefined) return
    const relayed = node.getConnections(connection.remotePeer).filter(({ limits }) => limits !== undefined)
    if (relayed.length === 0) return
    const cancel = clock.after(RELAYED_CLOSE_MS, () => {
      this.#closings.delete(cancel)
      if (connection.status !== 'open') return
      for (const each of relayed) each.close().catch(error => each.abort(error))
    })
    this.#closings.add(cancel)
  }
}
