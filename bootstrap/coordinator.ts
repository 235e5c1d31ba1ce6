/**
 * The peer whose address others join through. It introduces peers to each other (peer exchange is the network's own),
 * lists the runs that are offered, and relays their gossip for those who cannot reach each other. All of it is soft
 * state: after a restart the peers tell it everything again, and a run goes on without it.
 */
import { fromHex } from '../protocols/hex.ts'
import type { Clock, GossipVerdict, Network, PeerId } from '../protocols/ports.ts'
import { topicOfRun } from '../protocols/run-protocols.ts'
import { type OfferedRun, RunRegistry } from '../protocols/run-registry.ts'

export interface CoordinatorInit {
  readonly network: Network
  readonly clock: Clock
  /** @returns the run id as hexadecimal text, or null for what is not a validly signed manifest */
  readonly validateManifest: (bytes: Uint8Array) => { readonly run: string } | null
  /** Whether a message of a run is worth relaying. Default: every message is. */
  readonly validateMessage?: (run: string, from: PeerId, data: Uint8Array) => GossipVerdict
  /** Told of each run that comes onto the list (true) and leaves it (false). */
  readonly onRun?: (offered: OfferedRun, listed: boolean) => void
  readonly log: (message: string) => void
}

export interface CoordinatorStatus {
  readonly peers: readonly PeerId[]
  readonly runs: readonly OfferedRun[]
}

export interface Coordinator {
  status(): CoordinatorStatus
  /** Leaves the network open. */
  close(): void
}

export function createCoordinator(init: CoordinatorInit): Coordinator {
  const { network, clock, validateManifest, log } = init
  const relayed = new Map<string, () => void>()
  const relay = (run: string): void => {
    const id = fromHex(run)
    if (id === null) return
    const verdictOn = init.validateMessage ?? (() => 'accept')
    relayed.set(
      run,
      network.subscribe(topicOfRun(id), async (from, data) => verdictOn(run, from, data))
    )
  }
  const registry = new RunRegistry({
    network,
    clock,
    validateManifest,
    log,
    onRun: (offered, listed) => {
      const { run } = offered
      init.onRun?.(offered, listed)
      log(`run ${run.slice(0, 16)} is ${listed ? 'offered' : 'offered no more'}`)
      if (listed) relay(run)
      else {
        relayed.get(run)?.()
        relayed.delete(run)
      }
    }
  })
  const stopWatching = network.onPeer((peer, connected) => log(`${peer} ${connected ? 'came' : 'went'}`))
  return {
    status: () => ({ peers: network.peers(), runs: registry.runs() }),
    close() {
      stopWatching()
      registry.close()
    }
  }
}
