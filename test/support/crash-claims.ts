/** What must be true after one member has died at any moment of a round, whether it comes back or not. */
import { expect } from 'chai'
import { openMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Envelope, Inventory, MaskedInput } from '../../protocols/messages.js'
import { faultsOf } from '../../protocols/quorum.ts'
import { expectNobodyBlamed } from './blame-claims.ts'
import {
  committedSurvivors,
  contradictions,
  decisionsOn,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from './cluster-claims.ts'
import type { RoundCluster } from './round-cluster.ts'

/** The first round's first attempt has certified a result, on one chain, with an exact sum of the committed inputs. */
export function expectSameAttemptCertified(cluster: RoundCluster): void {
  const [first] = longestChain(cluster)
  expect(linkKinds(cluster)).to.not.include.members(['abort'])
  expect(linkKinds(cluster)).to.not.include.members(['lost'])
  expect(first).to.include({ kind: 'result', round: 0, attempt: 0 })
  expect(stateHashes(cluster)).to.have.lengthOf(1)
  expect(contradictions(cluster)).to.deep.equal([])
  expectNobodyBlamed(cluster)
  const survivors = first!.survivors.map(({ peer }) => peer)
  const sum = plainSum(cluster, 0, 0, survivors)
  const opened = [...cluster.peers.values()].filter(({ sums }) => sums.has('0.0'))
  expect(opened).to.not.deep.equal([])
  for (const { sums } of opened) expect(sums.get('0.0')).to.deep.equal(sum)
}

/** A member's input counts if and only if at least f + 1 of the committed inventories list its header. */
export function expectIncludedByRule(cluster: RoundCluster, peer: string): boolean {
  const [first] = longestChain(cluster)
  const included = first!.survivors.some(survivor => survivor.peer === peer)
  const listed = listings(cluster, peer)
  expect(included, `${listed} inventories list it`).to.equal(listed > faultsOf(first!.cohort.length))
  return included
}

function listings(cluster: RoundCluster, peer: string): number {
  const { inventories } = committedSurvivors(cluster, 0, 0)!
  const roster = decisionsOn(cluster).find(
    ({ certificate, context }) =>
      certificate.subject === 'roster' && context.round === 0 && context.attempt === 0
  )!
  const index = roster.decision.roster!.advertised.findIndex(
    envelope => openMessage(Envelope.encode(envelope), cluster.crypto).sender === peer
  )
  return inventories.filter(({ payload }) =>
    Inventory.decode(payload).headers.some(header => header.index === index)
  ).length
}

/** Members, other than itself, that held the masked input that a member announced. */
export function holdersOf(cluster: RoundCluster, peer: string): string[] {
  const header = cluster.wire.find(({ type, sender }) => type === 'masked-input' && sender === peer)
  if (header === undefined) return []
  const address = toHex(MaskedInput.decode(header.payload).address)
  return cluster.alive.filter(({ id, held }) => id !== peer && held.has(address)).map(({ id }) => id)
}
