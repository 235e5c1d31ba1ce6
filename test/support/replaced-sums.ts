/** Committees whose verifiers all name another blob than the sum. */
import { expect } from 'chai'
import { toHex } from '../../protocols/hex.ts'
import type { Network } from '../../protocols/ports.ts'
import type { TestMember } from './chains.ts'
import { committeePeers, tipsOf } from './committee-peers.ts'
import { linksOf, type PeerLife } from './peer-cluster.ts'

export const warningsOf = ({ events }: PeerLife): string[] =>
  events.flatMap(event => (event.type === 'warning' ? [event.message] : []))

/** Every verifier names another blob than the sum, and those outside end with the same state all the same. */
export async function withSumsReplaced(lie: (network: Network, member: TestMember) => Network) {
  const { cluster, asked, committeeAfter } = committeePeers({ manifest: { rounds: 1 } })
  const lives = await Promise.all(Array.from({ length: 7 }, (_, i) => cluster.start(i + 1, { network: lie })))
  expect(await cluster.runToEnd()).to.equal(true)
  expect(cluster.stateHashes().size).to.equal(1)
  const [link] = linksOf(lives[0]!)
  expect(link).to.include({ kind: 'result', round: 0, attempt: 0 })
  const committee = committeeAfter(tipsOf(lives[0]!).get(0)!)
  const outside = lives.filter(({ member }) => !committee.includes(member.id))
  expect(outside).to.have.lengthOf(3)
  await cluster.stop()
  return {
    outside,
    statePulls: outside.map(({ member }) => asked.get(`${member.id} ${toHex(link!.stateHash)}`))
  }
}
