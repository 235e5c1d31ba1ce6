/**
 * The peer whose address others join through. It introduces peers to each other (peer exchange is the network's own),
 * lists the runs that are offered, relays their gossip for those who cannot reach each other, and keeps the newest chain and
 * state of those that let it in. All of it is soft state: after a restart the peers tell it everything again, and a run goes
 * on without it.
 */
import { fromHex } from '../protocols/hex.ts'
import type { Clock, GossipVerdict, Network, PeerId } from '../protocols/ports.ts'
import { topicOfRun } from '../protocols/run-protocols.ts'
import { type OfferedRun, RunRegistry } from '../protocols/run-registry.ts'
import { type CachedRun, type CacheInit, CoordinatorCache } from './cache.ts'
import { followFellows } from './fellow-coordinators.ts'
import { type HeardMember, MemberRegistry } from './member-registry.ts'
import { type Judged, noteOf } from './relayed-message.ts'

export interface CoordinatorInit {
  readonly network: Network
  readonly clock: Clock
  /** @returns the run id as hexadecimal text, or null for what is not a validly signed manifest */
  readonly validateManifest: (bytes: Uint8Array) => { readonly run: string } | null
  /** Whether a message of a run is worth relaying, and what it says. Default: every message is, and nothing is read. */
  readonly judgeMessage?: (run: string, data: Uint8Array) => Judged
  /** Without it nothing is kept of the runs. */
  readonly cache?: Pick<CacheInit, 'crypto' | 'signer' | 'mayTakePart' | 'maxBytes'>
  /** Other coordinators, whose lists this one takes over. */
  readonly fellows?: ReadonlySet<PeerId>
  /** Told of each run that comes onto the list (true) and leaves it (false). */
  readonly onRun?: (offered: OfferedRun, listed: boolean) => void
  readonly log: (message: string) => void
}

export interface CoordinatorStatus {
  readonly peers: readonly PeerId[]
  readonly runs: readonly ListedRun[]
  /** Of all that is kept of the runs. */
  readonly cachedBytes: number
}

export interface ListedRun extends OfferedRun {
  /** Heard of lately, by what they said to everyone. */
  readonly heard: readonly HeardMember[]
  /** Null if nothing is kept of it: it does not let this coordinator in, or there is no cache. */
  readonly cached: CachedRun | null
}

export interface Coordinator {
  status(): CoordinatorStatus
  /** Leaves the network open. */
  close(): void
}

export function createCoordinator(init: CoordinatorInit): Coordinator {
  const { network, clock, validateManifest, log } = init
  const relayed = new Map<string, () => void>()
  const members = new MemberRegistry(clock)
  const cache = init.cache === undefined ? null : new CoordinatorCache({ ...init.cache, network, clock, log })
  const judge = (run: string, data: Uint8Array): GossipVerdict => {
    const { verdict, message } = init.judgeMessage?.(run, data) ?? { verdict: 'accept', message: null }
    if (verdict !== 'accept' || message === null || message.sender === network.peerId) return verdict
    const note = noteOf(message)
    if (note === null) return verdict
    if (!init.fellows?.has(message.sender)) members.hear(run, message.sender, note.height, note.phase)
    cache?.heard(run, message.sender, note.height)
    return verdict
  }
  const relay = (run: string): void => {
    const id = fromHex(run)
    if (id === null) return
    relayed.set(
      run,
      network.subscribe(topicOfRun(id), async (_from, data) => judge(run, data))
    )
  }
  const registry = new RunRegistry({
    network,
    clock,
    validateManifest,
    log,
    onRun: (offered, listed) => {
      const { run, manifest } = offered
      init.onRun?.(offered, listed)
      log(`run ${run.slice(0, 16)} is ${listed ? 'offered' : 'offered no more'}`)
      if (listed) {
        relay(run)
        cache?.add(run, manifest)
      } else {
        relayed.get(run)?.()
        relayed.delete(run)
        members.forget(run)
        cache?.remove(run)
      }
    }
  })
  const fellows = init.fellows ?? new Set()
  const stopFollowing = followFellows({ network, clock, registry, fellows, log })
  const stopWatching = network.onPeer((peer, connected) => log(`${peer} ${connected ? 'came' : 'went'}`))
  return {
    status() {
      const cached = new Map((cache?.runs() ?? []).map(entry => [entry.run, entry]))
      const runs = registry.runs().map(offered => ({
        ...offered,
        heard: members.of(offered.run),
        cached: cached.get(offered.run) ?? null
      }))
      return { peers: network.peers(), runs, cachedBytes: cache?.bytes ?? 0 }
    },
    close() {
      stopWatching()
      stopFollowing()
      registry.close()
      cache?.close()
    }
  }
}
