/** Whole peers of a run by invitation, whose founders are listed. */
import { expect } from 'chai'
import { testMember } from './chains.ts'
import { linksOf, PeerCluster, type PeerLife } from './peer-cluster.ts'

export const invitedFounders: readonly string[] = [1, 2, 3, 4].map(number => testMember(number).id)

export function invitationCluster(rounds = 30): PeerCluster {
  const admission = { kind: 'invitation', peers: invitedFounders }
  return new PeerCluster({ founders: invitedFounders.length, manifest: { rounds, admission } })
}

/** Once each founder has a link. */
export async function begun(rounds?: number): Promise<{ cluster: PeerCluster; lives: PeerLife[] }> {
  const cluster = invitationCluster(rounds)
  const lives = await cluster.startAll()
  expect(await cluster.runUntil(() => lives.every(life => linksOf(life).length > 0))).to.equal(true)
  return { cluster, lives }
}
