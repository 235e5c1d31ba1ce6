/** Who is blamed in a cluster, and who could be. */
import { expect } from 'chai'
import { contradictionOf, type Utterance, utteranceOf } from '../../protocols/contradictions.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import type { RoundCluster } from './round-cluster.ts'

/** Every pair of messages of one sender that would be evidence, in words: `sender: what`. */
export function evidentPairs(
  wire: readonly SignedMessage[],
  cluster: Pick<RoundCluster, 'crypto'>
): string[] {
  const said = new Map<string, Utterance[]>()
  const found = new Set<string>()
  for (const message of wire) {
    const utterance = utteranceOf(message, cluster.crypto)
    if (utterance === null) continue
    const before = said.get(message.sender) ?? []
    for (const earlier of before) {
      const what = contradictionOf(earlier, utterance)
      if (what !== null) found.add(`${message.sender}: ${what}`)
    }
    said.set(message.sender, [...before, utterance])
  }
  return [...found]
}

/** Who is blamed by whom, for what: `who by whom: kind`, each once, sorted. */
export function blames(cluster: RoundCluster): string[] {
  const all = [...cluster.peers.values()].flatMap(({ id, blames }) =>
    blames.map(({ culprit, kind, what }) => `${culprit} by ${id}: ${kind}: ${what}`)
  )
  return [...new Set(all)].sort()
}

/** Nobody has evidence against anybody, and nobody could have found any in all that was said. */
export function expectNobodyBlamed(cluster: RoundCluster): void {
  expect(blames(cluster)).to.deep.equal([])
  expect(evidentPairs(cluster.wire, cluster)).to.deep.equal([])
  expect(cluster.wire.filter(({ type }) => type === 'evidence')).to.deep.equal([])
}
