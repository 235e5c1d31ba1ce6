/** What the body of a link must say, given the chain before it; its signatures are another matter (chain.ts). */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { admissionsFault } from './admission.ts'
import { cohortAt, treeAt } from './chain-cohorts.ts'
import type { ChainTip, LinkKind, RunContext } from './chain-tip.ts'
import { checkLength, equalBytes } from './codec.ts'
import type { ProtocolError } from './errors.ts'
import { expelledAfter, expulsionsFault } from './expulsions.ts'
import { MEMBERS_MAX } from './limits.ts'
import { isSortedSet } from './member-list.ts'
import type { LinkBody } from './messages.js'
import { type CarriedOut, carryOut, withRevoked } from './orders.ts'
import { leastCohortOf, pauseOf } from './pause.ts'
import { accountAfter } from './tip-after.ts'
import { pathOfNode } from './tree.ts'
import { faultOfFlatLink, faultOfTreeLink } from './tree-link.ts'

/**
 * @returns what the orders that it lists come to
 * @throws what `refuse` makes of the first thing that is wrong
 */
export function checkLinkBody(
  tip: ChainTip,
  link: LinkBody,
  run: RunContext,
  crypto: CryptoSuite,
  refuse: (reason: string) => ProtocolError
): CarriedOut {
  const kinds: readonly string[] = ['result', 'abort', 'lost', 'reconfiguration'] satisfies LinkKind[]
  if (!kinds.includes(link.kind)) throw refuse(`unknown kind ${link.kind.slice(0, 32)}`)
  if (!equalBytes(link.run, run.id)) throw refuse('made for another run')
  if (link.height !== tip.height + 1 || !equalBytes(link.previous, tip.linkHash))
    throw refuse('it does not follow this chain')
  if (link.round !== tip.round || link.attempt !== tip.attempt)
    throw refuse('it is of another round or attempt')
  if (!isSortedSet(link.members) || link.members.length > MEMBERS_MAX)
    throw refuse('its member list is malformed')
  for (const field of ['rosterHash', 'encodingHash', 'stateHash'] as const)
    checkLength(link[field], 32, field)
  const completed = tip.completedRounds + (link.kind === 'result' ? 1 : 0)
  if (link.completedRounds !== completed) throw refuse('it counts the completed rounds wrongly')
  if (link.kind === 'result') checkLength(link.beacon, 32, 'beacon')
  else if (!equalBytes(link.stateHash, tip.stateHash))
    throw refuse(`a ${link.kind} must leave the state as it was`)
  if (link.epsilonSpent !== (accountAfter(tip, link.kind as LinkKind, run)?.epsilon ?? 0))
    throw refuse('it states another privacy spent')
  if (tip.end === 'author') throw refuse('its author has ended the run')
  const orders = ordersOf(tip, link, run, crypto, refuse)
  if (link.kind === 'reconfiguration') {
    if (link.expulsions.length + link.admissions.length > 0 || link.reason !== '' || orders.pauses)
      throw refuse('the author only names the members')
    const least = leastCohortOf(run.manifest)
    if (link.members.length < least && !orders.ends) throw refuse(`${least} members are needed at least`)
    return orders
  }
  if (pauseOf(tip, run.manifest) !== null)
    throw refuse('the run is paused: only its author can go on from here')
  const fault = expulsionsFault(link.expulsions, tip.members)
  if (fault !== null) throw refuse(fault)
  const expelled = expelledAfter(tip.expelled, link)
  if (link.members.some(peer => expelled.includes(peer))) throw refuse('it lets in a peer that was expelled')
  if (link.survivors.some(({ peer }) => link.kind === 'result' && expelled.includes(peer)))
    throw refuse('it counts the input of a peer that it expels')
  const newcomers = link.members.filter(peer => !tip.members.includes(peer))
  const record = withRevoked(tip.admission, orders)
  const unfounded = admissionsFault(record, link.admissions, newcomers, run, crypto)
  if (unfounded !== null) throw refuse(unfounded)
  const cohort = cohortAt(tip, run, crypto)
  if (link.cohort.join() !== cohort.join()) throw refuse('its cohort is not the one that the chain fixed')
  const tree = treeAt(tip, run, crypto)
  if (link.node !== (tree === null ? undefined : pathOfNode(tree.root)))
    throw refuse('it was not agreed on where the chain says')
  const encodedFor = tree?.largestLeaf ?? cohort.length
  if (!equalBytes(link.encodingHash, run.encodingHashOf(encodedFor, tip.completedRounds)))
    throw refuse('another encoding')
  const misplaced = tree === null ? faultOfFlatLink(link) : faultOfTreeLink(tree, link)
  if (misplaced !== null) throw refuse(misplaced)
  return orders
}

function ordersOf(
  tip: ChainTip,
  link: LinkBody,
  run: RunContext,
  crypto: CryptoSuite,
  refuse: (reason: string) => ProtocolError
): CarriedOut {
  try {
    return carryOut(tip, link.orders, run, crypto)
  } catch (error) {
    throw refuse((error as Error).message)
  }
}
