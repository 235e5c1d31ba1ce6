/** Clusters of several cohorts: who sits where, who of them dies, who of them lies. */

import { expect } from 'chai'
import type { PeerEvent } from '../../node/peer/peer-types.ts'
import { treeAt } from '../../protocols/chain-cohorts.ts'
import { rankMembers } from '../../protocols/election.ts'
import { openMessage, type SignedMessage, sealMessage } from '../../protocols/envelope.ts'
import type { Network } from '../../protocols/ports.ts'
import type { CohortTree, TreeNode } from '../../protocols/tree.ts'
import type { TestMember } from './chains.ts'
import { PeerCluster, type PeerClusterOptions, type PeerLife } from './peer-cluster.ts'

type Notice<Name extends string> = Extract<PeerEvent, { type: 'notice'; notice: Name }>

/** Leaves of four, two sums to a parent cohort: sixteen founders make three levels. */
export function treeCluster({ founders, manifest, ...options }: PeerClusterOptions): PeerCluster {
  const { cohort, ...rest } = manifest ?? {}
  const shape = { founders, size: 4, larger: 'tree', fanIn: 2, ...(cohort as object | undefined) }
  return new PeerCluster({ founders, ...options, manifest: { rounds: 1, ...rest, cohort: shape } })
}

/** The tree of the round that a peer is in. */
export function treeOf(cluster: PeerCluster, { peer }: PeerLife): CohortTree {
  const { tip } = peer.status()
  const tree = tip === null ? null : treeAt(tip, cluster.run.run, cluster.run.crypto)
  if (tree === null) throw new Error('there is no tree yet')
  return tree
}

export function livesIn(cluster: PeerCluster, { cohort }: Pick<TreeNode, 'cohort'>): PeerLife[] {
  return cluster.living.filter(({ member }) => cohort.includes(member.id))
}

export function noticesOf<Name extends 'cohort-sum' | 'placed' | 'phase' | 'refused' | 'new-view'>(
  { events }: Pick<PeerLife, 'events'>,
  name: Name
): Array<Notice<Name>> {
  return events.filter((event): event is Notice<Name> => event.type === 'notice' && event.notice === name)
}

/** The network of a member that says something else: what it gossips and sends passes through `lie`. */
export function lyingNetwork(
  cluster: PeerCluster,
  lie: (message: SignedMessage) => Uint8Array | null
): (network: Network, member: TestMember) => Network {
  const { crypto } = cluster.run
  return (network, { signer }) => {
    const told = (bytes: Uint8Array): Uint8Array => {
      const message = openMessage(bytes, crypto)
      const payload = lie(message)
      return payload === null
        ? bytes
        : sealMessage(message.type, message.context, payload, signer, crypto).bytes
    }
    return { ...network, publish: (topic, data) => network.publish(topic, told(data)) }
  }
}

/** Runs to the end, which must be one state on one chain. */
export async function soundly(cluster: PeerCluster): Promise<void> {
  expect(await cluster.runToEnd()).to.equal(true)
  expect(cluster.stateHashes().size).to.equal(1)
  expect(cluster.splits()).to.deep.equal([])
  await cluster.stop()
}

export async function founded(cluster: PeerCluster): Promise<PeerLife[]> {
  const lives = await cluster.startAll()
  await cluster.runUntil(() => lives.every(({ peer }) => peer.status().tip !== null))
  return lives
}

export function hasSeatAbove({ levels }: CohortTree, peer: string): boolean {
  return levels.slice(1).some(level => level.some(({ cohort }) => cohort.includes(peer)))
}

/** The aggregator of a cohort: first by rank. */
export function firstOf(cluster: PeerCluster, { peer }: PeerLife, cohort: readonly string[]): string {
  const { beacon, attempt } = peer.status().tip!
  return rankMembers(cohort, beacon, attempt, cluster.run.crypto.sha256)[0]!
}
