/** Clusters in which one member breaks the protocol on purpose. */

import { expect } from 'chai'
import type { AttemptState } from '../../node/round/round-state.ts'
import type { Effect } from '../../node/round/round-types.ts'
import type { MessageType, SignedMessage } from '../../protocols/envelope.ts'
import { sealMessage } from '../../protocols/envelope.ts'
import { type Context, Decision, Proposal } from '../../protocols/messages.js'
import { testDeadlines, testRun } from './chains.ts'
import { contradictions, linkKinds } from './cluster-claims.ts'
import type { ClusterPeer } from './cluster-peer.ts'
import { type ClusterOptions, RoundCluster } from './round-cluster.ts'

export interface Liar {
  readonly cluster: RoundCluster
  readonly peer: ClusterPeer
  readonly attempt: AttemptState
}

export interface LiarOptions {
  readonly n?: number
  readonly seed?: number
  readonly rounds?: number
  /** Rank of the liar in the first attempt: 0 is the aggregator, 1 its stand-in. */
  readonly rank?: number
  readonly options?: Partial<ClusterOptions>
  readonly deadlines?: Partial<typeof testDeadlines>
  /** What the liar does instead of an effect of its own machine; null for the effect itself. */
  readonly lie: (effect: Effect, liar: Liar) => readonly Effect[] | null
}

/** Four members (unless said otherwise) and one round, in which the member of the given rank lies. */
export function clusterWithLiar({
  n = 4,
  seed = 1,
  rounds = 1,
  rank = 2,
  options,
  deadlines,
  lie
}: LiarOptions) {
  let liar: string | null = null
  const cluster: RoundCluster = new RoundCluster(
    testRun(n, { rounds, deadlines: { ...testDeadlines, ...deadlines } }),
    {
      seed,
      ...options,
      instead: (id, effect) => {
        const peer = cluster.peer(id)
        const { attempt } = peer.state
        if (attempt === null) return [effect]
        liar ??= attempt.ranked[rank]!
        return (id === liar ? lie(effect, { cluster, peer, attempt }) : null) ?? [effect]
      }
    }
  )
  const honest = () => cluster.alive.filter(({ id }) => id !== liar)
  return {
    cluster: cluster.start(),
    liar: () => liar!,
    honest,
    /** Why honest members refused what the liar said, each reason once: `type: reason`. */
    refusals: () => [
      ...new Set(
        honest().flatMap(({ notices }) =>
          notices.flatMap(notice =>
            notice.notice === 'refused' && notice.peer === liar ? [`${notice.what}: ${notice.reason}`] : []
          )
        )
      )
    ]
  }
}

/** The message of an effect that says something of this type, or null. */
export function saidIn(effect: Effect, type: MessageType): SignedMessage | null {
  return (effect.type === 'gossip' || effect.type === 'send') && effect.message.type === type
    ? effect.message
    : null
}

/** The same words with some of them changed, signed by the same member (or another). */
export function reworded(
  { cluster, peer }: Pick<Liar, 'cluster' | 'peer'>,
  message: SignedMessage,
  part: { readonly type?: MessageType; readonly context?: Context; readonly payload?: Uint8Array }
): SignedMessage {
  const { type, context, payload } = { ...message, ...part }
  return sealMessage(type, context, payload, peer.member.signer, cluster.crypto)
}

/** An effect with another message in it. */
export function saying(effect: Effect, message: SignedMessage): Effect {
  if (effect.type !== 'gossip' && effect.type !== 'send') throw new Error(`a ${effect.type} says nothing`)
  return { ...effect, message }
}

/** Runs with a liar, which must end well for everyone else: every round a result, one state, no contradiction. */
export function roundWith(options: LiarOptions) {
  const made = clusterWithLiar(options)
  const { cluster, liar, honest, refusals } = made
  expect(cluster.runUntil(() => honest().every(({ state }) => state.phase === 'Finished'), 300_000)).to.equal(
    true
  )
  const ids = honest().map(({ id }) => id)
  expect(contradictions(cluster, ids)).to.deep.equal([])
  expect(new Set(honest().map(({ stateHash }) => stateHash)).size).to.equal(1)
  expect(linkKinds(cluster)).to.deep.equal(Array(options.rounds ?? 1).fill('result'))
  const survivors = honest()[0]!.linkBodies[0]!.survivors.map(({ peer }) => peer)
  return { ...made, refusals: refusals(), survivors, liarSurvived: survivors.includes(liar()), ids }
}

/** Changes one kind of proposal in view 0; the liar is the aggregator. */
export function proposalWith(
  change: (decision: Decision, liar: Liar) => Decision,
  subject: string
): LiarOptions {
  return {
    rank: 0,
    lie(effect, liar) {
      const message = saidIn(effect, 'proposal')
      if (message === null) return null
      const proposal = Proposal.decode(message.payload)
      if (proposal.subject !== subject || proposal.view !== 0) return null
      const decision = Decision.encode(change(Decision.decode(proposal.decision), liar))
      return [
        saying(effect, reworded(liar, message, { payload: Proposal.encode({ ...proposal, decision }) }))
      ]
    }
  }
}

/** 32 bytes that are all alike: a hash of nothing, a key of nobody. */
export function bytes32(value: number): Uint8Array {
  return new Uint8Array(32).fill(value)
}
