import { expect } from 'chai'
import { type Coordinator, createCoordinator } from '../../bootstrap/coordinator.ts'
import { judgeRelayed } from '../../bootstrap/relayed-message.ts'
import { mayTakePart } from '../../node/peer/admission.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import { offeredRunOf } from '../../protocols/offered-manifest.ts'
import { testMember } from './chains.ts'
import type { PeerCluster } from './peer-cluster.ts'

/** A coordinator among whole peers, under virtual time. */
export function coordinatorIn(
  cluster: PeerCluster,
  number: number,
  maxBytes = 1e6,
  fellows: number[] = []
): Coordinator {
  const { id, signer } = testMember(number)
  const crypto = seededCrypto(Uint8Array.of(number & 255))
  return createCoordinator({
    network: cluster.world.join(id),
    clock: cluster.clock,
    validateManifest: bytes => offeredRunOf(bytes, crypto),
    judgeMessage: (run, data) => judgeRelayed(run, data, crypto),
    cache: {
      crypto,
      signer,
      mayTakePart: (manifest, tip, peer) => mayTakePart(manifest, tip, new Map(), peer),
      maxBytes
    },
    fellows: new Set(fellows.map(fellow => testMember(fellow).id)),
    log: () => {}
  })
}

export const cachedIn = (coordinator: Coordinator) => coordinator.status().runs[0]?.cached ?? null

/** The run is over, and all of it is in the cache. */
export async function finished(cluster: PeerCluster, coordinator: Coordinator): Promise<void> {
  expect(await cluster.runToEnd(), 'the run ends').to.equal(true)
  expect(await cluster.runUntil(() => isWholeAt(coordinator, 2), 60_000), 'the cache is whole').to.equal(true)
}

export const isWholeAt = (coordinator: Coordinator, rounds: number): boolean => {
  const cached = cachedIn(coordinator)
  return cached?.isWhole === true && cached.completedRounds === rounds
}
