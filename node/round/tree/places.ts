/** Where a peer sits in a larger network: its leaf, the parent cohorts that it is in, and what they are told. */

import { treeAt } from '../../../protocols/chain-cohorts.ts'
import type { ChainTip } from '../../../protocols/chain-tip.ts'
import { equalBytes } from '../../../protocols/codec.ts'
import type { LinkBody } from '../../../protocols/messages.js'
import { pauseOf } from '../../../protocols/pause.ts'
import { lineOf } from '../../../protocols/tree.ts'
import type { Participation } from '../release-rules.ts'
import type { StateSource } from '../result.ts'
import { resume } from '../resume.ts'
import { type Draft, newAttempt } from '../round-state.ts'
import type { RoundEvent } from '../round-types.ts'
import { notice } from '../speak.ts'
import { newParents, type ParentState } from './parent-state.ts'
import { onSumHeld } from './parent-sums.ts'

/** Takes this peer's places in the round that a tip leads to: in its cohort, and in the parent cohorts above. */
export function takePlaces(draft: Draft, tip: ChainTip, participation: Participation): void {
  const { state, deps, nowMs } = draft
  const { run, crypto, self } = deps
  const tree = treeAt(tip, run, crypto)
  state.tree = tree
  const isOver = tip.end !== null || pauseOf(tip, run.manifest) !== null
  state.attempt = isOver ? null : newAttempt(tip, tree, deps, participation, nowMs)
  if (run.manifest.cohort.larger !== 'tree') return
  state.parents = tree === null || isOver ? [] : newParents(tree, tip, deps, participation, nowMs)
  const { attempt } = state
  const cohorts = [...(attempt === null ? [] : [attempt]), ...state.parents].flatMap(
    ({ context }) => context.cohort ?? []
  )
  draft.effects.push({ type: 'listen', cohorts })
  if (tree === null || attempt?.place === null || attempt === null) return
  notice(draft, {
    notice: 'placed',
    round: tip.round,
    attempt: tip.attempt,
    leaf: lineOf(tree, self)[0]!.index,
    leaves: tree.levels[0]!.length,
    levels: tree.levels.length,
    cohort: attempt.cohort,
    adds: state.parents.map(({ place }) => place.node.level)
  })
}

/** @returns true if the event was for a parent cohort */
export function takeTreeEvent(draft: Draft, event: RoundEvent): boolean {
  const { parents } = draft.state
  if (event.type === 'sum-held') {
    for (const parent of parents) onSumHeld(parent, event.address, event.isSound)
    return true
  }
  if (event.type !== 'sums-added' && event.type !== 'probed') return false
  const parent = parents.find(
    ({ context, round, attempt }) =>
      context.cohort === event.cohort && round === event.round && attempt === event.attempt
  )
  if (event.type === 'sums-added') parent?.added.set(event.key, event.added)
  else if (parent !== undefined) resume(draft, parent, event)
  return event.type === 'sums-added' || parent !== undefined
}

/** True of a member of the root that has come to the state of a link by itself. */
export function stateIsHere({ added }: ParentState, { stateHash }: Pick<LinkBody, 'stateHash'>): boolean {
  return [...added.values()].some(
    sum =>
      sum !== null &&
      sum !== 'failed' &&
      sum.type === 'outcome' &&
      equalBytes(sum.outcome.stateHash, stateHash)
  )
}

/**
 * Who to ask for the state after a link that others made. It comes down the tree: the root has it, and each cohort asks
 * the one above it first, after as many turns as there are levels between it and the root.
 */
export function holdersOfState({ state, deps }: Draft): StateSource {
  const { tree, parents } = state
  if (tree === null) return { holders: [], turn: 0, sum: null }
  const own = Math.max(0, ...parents.map(({ place }) => place.node.level))
  const { level: top } = tree.root
  const above = lineOf(tree, deps.self).filter(({ level }) => level > own || level === top)
  const cohorts = above.length === 0 ? [tree.root] : above
  return {
    holders: [...new Set(cohorts.flatMap(({ cohort }) => cohort))].filter(peer => peer !== deps.self),
    turn: top - own,
    sum: null
  }
}
