import { expect } from 'chai'
import type { JournalEntry } from '../../node/round/journal.ts'
import { toHex } from '../../protocols/hex.ts'
import { NewView, Proposal, UnmaskBundle, Vote } from '../../protocols/messages.js'
import { expectIncludedByRule, expectSameAttemptCertified } from '../support/crash-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../support/crash-points.ts'
import { RoundCluster } from '../support/round-cluster.ts'

const seed = 11
const run = crashRun(4, 1)
const { ranked, points } = crashPointsOf(run, seed)
const [_aggregator, , , member] = ranked as [string, string, string, string]

describe('a member that dies and comes back a moment later', () => {
  let votedAfter = 0

  for (const point of points.get(member)!) {
    it(`in ${point.name}: the same attempt certifies, and it contradicts itself in nothing`, () => {
      let restartedAt = Number.POSITIVE_INFINITY
      const cluster = crashAt(run, seed, member, point, cluster =>
        cluster.at(cluster.nowMs + 30, () => {
          restartedAt = cluster.wire.length
          cluster.restart(member)
        })
      )
      expect(cluster.runUntil(() => cluster.alive.length < 4, 60_000)).to.equal(true)
      expect(cluster.runUntil(() => cluster.alive.length === 4, 60_000)).to.equal(true)
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      expectIncludedByRule(cluster, member)
      const later = cluster.wire.slice(restartedAt).filter(({ sender }) => sender === member)
      // Its secrets died with it.
      const secret = ['share-keys', 'masked-input', 'unmask-bundle']
      if (cluster.peer(member).notices.some(({ notice }) => notice === 'without-secrets'))
        expect(later.filter(({ type }) => secret.includes(type))).to.deep.equal([])
      votedAfter += later.filter(({ type }) => type === 'prepare' || type === 'commit').length
    })
  }

  it('and votes on, wherever it is needed', () => {
    expect(votedAfter).to.be.above(points.get(member)!.length)
  })

  it('has everything that binds it in the journal before it says it', () => {
    const missing: string[] = []
    let spoken = 0
    // A leader that falls silent in view 0 of the survivors, so that there are new-views too.
    const cluster: RoundCluster = new RoundCluster(crashRun(4, 2), {
      seed,
      deliver: (_from, _to, { type, payload, context }) => {
        if (type !== 'proposal' || context.round > 0) return true
        const { subject, view } = Proposal.decode(payload)
        return subject !== 'survivors' || view > 0
      },
      onEffect: (id, effect) => {
        if (effect.type !== 'gossip' && effect.type !== 'send') return true
        const { type, payload, context } = effect.message
        const entries = cluster
          .peer(id)
          .journal.filter(({ round, attempt }) => round === context.round && attempt === context.attempt)
        const found = isWrittenDown(type, payload, entries)
        if (found === null) return true
        spoken++
        if (!found) missing.push(`${type} of ${id}`)
        return true
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(missing).to.deep.equal([])
    expect(spoken).to.be.above(60)
    expect(cluster.wire.some(({ type }) => type === 'new-view')).to.equal(true)
  })
})

/** Whether a word that binds its sender is in its journal; null for words that do not. */
function isWrittenDown(type: string, payload: Uint8Array, entries: readonly JournalEntry[]): boolean | null {
  if (type === 'advertise-keys') return entries.some(({ kind }) => kind === 'advertise')
  if (type === 'unmask-bundle') {
    const { survivorsHash } = UnmaskBundle.decode(payload)
    return entries.some(
      entry => entry.kind === 'release' && toHex(entry.survivorsHash) === toHex(survivorsHash)
    )
  }
  if (type === 'new-view') {
    const { subject, view } = NewView.decode(payload)
    return entries.some(
      entry => entry.kind === 'new-view' && entry.subject === subject && entry.view === view
    )
  }
  if (type !== 'prepare' && type !== 'commit') return null
  const { subject, view, valueHash } = Vote.decode(payload)
  return entries.some(
    entry =>
      entry.kind === 'vote' &&
      entry.vote === type &&
      entry.subject === subject &&
      entry.view === view &&
      toHex(entry.valueHash) === toHex(valueHash) &&
      (type === 'prepare' || entry.lock !== undefined)
  )
}
