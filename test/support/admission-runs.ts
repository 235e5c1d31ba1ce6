/** Runs to their end with guests, among members of whom one may lie when it proposes who comes in. */
import { expect } from 'chai'
import type { Effect } from '../../node/round/round-types.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { sealMessage } from '../../protocols/envelope.ts'
import { type Context, Decision, Proposal, type SurvivorsDecision } from '../../protocols/messages.js'
import { toHex } from './bytes.ts'
import type { TestMember, TestRun } from './chains.ts'
import { RoundCluster } from './round-cluster.ts'

/** What the liar proposes instead. @param context - of its proposal */
export type Lie = (survivors: SurvivorsDecision, context: Context) => SurvivorsDecision

export interface PlayedRun {
  readonly cluster: RoundCluster
  readonly tip: ChainTip
  /** How often the liar lied. */
  readonly lies: number
  /** What honest members said to its proposals. */
  readonly refusals: readonly string[]
}

/**
 * @param guests - come once the run has begun
 * @param lie - of whoever leads first, the author aside; from then on whenever it leads
 */
export function playedRun(
  run: TestRun,
  guests: readonly TestMember[],
  lie?: Lie,
  meanwhile: (cluster: RoundCluster) => void = () => {},
  startMs?: number
): PlayedRun {
  let liar: string | null = null
  let lies = 0
  const instead = (peer: string, effect: Effect): readonly Effect[] => {
    if (effect.type !== 'gossip') return [effect]
    const { message } = effect
    const mayLie = liar === null ? peer !== run.author.id : peer === liar
    if (lie === undefined || !mayLie || message.type !== 'proposal') return [effect]
    const proposal = Proposal.decode(message.payload)
    const { survivors } = Decision.decode(proposal.decision)
    const changed = survivors === undefined ? null : lie(survivors, message.context)
    if (changed === null) return [effect]
    lies++
    liar = peer
    const { signer } = cluster.peer(peer).member
    const payload = Proposal.encode({ ...proposal, decision: Decision.encode({ survivors: changed }) })
    return [{ ...effect, message: sealMessage('proposal', message.context, payload, signer, run.crypto) }]
  }
  const cluster: RoundCluster = new RoundCluster(run, { seed: 5, instead })
  if (startMs !== undefined) cluster.nowMs = startMs
  cluster.start()
  expect(cluster.reach(1)).to.equal(true)
  for (const guest of guests) cluster.join(guest)
  meanwhile(cluster)
  // Whoever lies and is found out is expelled: the others go on.
  const honest = () => run.members.filter(({ id }) => id !== liar).map(({ id }) => cluster.peer(id))
  const isOver = () => honest().every(({ state }) => state.phase === 'Finished')
  expect(cluster.runUntil(isOver)).to.equal(true)
  const members = honest()
  const tips = members.map(peer => cluster.tipOf(peer)!)
  expect(new Set(tips.map(({ linkHash }) => toHex(linkHash))).size, 'one chain').to.equal(1)
  const refusals = members.flatMap(({ notices }) =>
    notices.flatMap(notice =>
      notice.notice === 'refused' && notice.peer === liar && notice.what === 'proposal' ? [notice.reason] : []
    )
  )
  return { cluster, tip: tips[0]!, lies, refusals }
}
