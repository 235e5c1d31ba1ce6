/** Coordinators side by side: each takes over what the others list, when they meet and once in every announcement period. */
import { ANNOUNCEMENT_MS } from '../protocols/limits.ts'
import type { Clock, Network, PeerId } from '../protocols/ports.ts'
import type { RunRegistry } from '../protocols/run-registry.ts'

/** One that has just started may be connected before it serves its list. */
const ASK_AGAIN_MS = 5_000

export interface FellowsInit {
  readonly network: Network
  readonly clock: Clock
  readonly registry: RunRegistry
  /** Given by the person who runs this one. */
  readonly fellows: ReadonlySet<PeerId>
  readonly log: (message: string) => void
}

/** @returns a function that ends it */
export function followFellows({ network, clock, registry, fellows, log }: FellowsInit): () => void {
  let isOver = false
  let cancel = (): void => {}
  const learn = (peer: PeerId, tries: number): void => {
    if (isOver || !network.peers().includes(peer)) return
    registry.learnFrom(peer).catch(error => {
      log(`cannot learn from the coordinator ${peer}: ${error instanceof Error ? error.message : error}`)
      if (tries > 1) clock.after(ASK_AGAIN_MS, () => learn(peer, tries - 1))
    })
  }
  const repeat = (): void => {
    cancel = clock.after(ANNOUNCEMENT_MS, () => {
      for (const peer of fellows) learn(peer, 1)
      repeat()
    })
  }
  const stopWatching = network.onPeer((peer, connected) => {
    if (connected && fellows.has(peer)) learn(peer, 3)
  })
  for (const peer of fellows) learn(peer, 3)
  repeat()
  return () => {
    isOver = true
    cancel()
    stopWatching()
  }
}
