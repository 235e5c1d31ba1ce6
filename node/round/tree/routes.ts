/** What a message is for: in a larger network a peer is in several cohorts, and hears of others. */

import { equalBytes } from '../../../protocols/codec.ts'
import type { SignedMessage } from '../../../protocols/envelope.ts'
import { nodeAt, parentOf } from '../../../protocols/tree.ts'
import type { Draft } from '../round-state.ts'
import type { ParentState } from './parent-state.ts'

export type Way =
  /** This peer's own cohort (the one that trains): said there, or it will see to it that it was not. */
  | { readonly to: 'cohort' }
  /** One of its parent cohorts. */
  | { readonly to: 'parent'; readonly parent: ParentState }
  /** A cohort whose sum one of its parent cohorts adds has certified something. */
  | { readonly to: 'above'; readonly parent: ParentState }
  /** The root has. */
  | { readonly to: 'link' }
  /** Its cohort is over: the sender has not heard of it. */
  | { readonly to: 'over'; readonly ending: SignedMessage }
  | { readonly to: 'later' }
  | { readonly to: 'nobody' }

export function wayOf({ state }: Draft, { context, type }: SignedMessage): Way {
  const { tip, tree, attempt, parents, awaited } = state
  // A run of one cohort, or before it has begun.
  if (tip === null || (tree === null && context.cohort === undefined)) return { to: 'cohort' }
  const { round, attempt: number } = tip
  const isAhead = context.round > round || (context.round === round && context.attempt > number)
  if (isAhead) return { to: 'later' }
  const isNow = context.round === round && context.attempt === number
  if (!isNow || !equalBytes(context.previousLink, tip.linkHash) || tree === null) return { to: 'nobody' }
  const node = nodeAt(tree, context.cohort ?? '')
  if (node === null) return { to: 'nobody' }
  const own = [...(attempt === null ? [] : [attempt]), ...parents].find(({ place }) => place?.node === node)
  const isCertificate = type === 'certificate'
  if (own !== undefined && own.ending === null) {
    if (own.participation === 'probing') return { to: 'later' }
    return own.kind === 'parent' ? { to: 'parent', parent: own } : { to: 'cohort' }
  }
  if (own !== undefined && own.ending !== null && type === 'new-view')
    return { to: 'over', ending: own.ending }
  if (node === tree.root && isCertificate) return awaited !== null ? { to: 'later' } : { to: 'link' }
  const above = parentOf(tree, node)
  const parent = parents.find(({ place }) => place.node === above)
  if (parent === undefined || !isCertificate) return { to: 'nobody' }
  return parent.participation === 'probing' ? { to: 'later' } : { to: 'above', parent }
}
