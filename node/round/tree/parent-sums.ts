/**
 * What a parent cohort of a larger network agrees on: which of the certified sums below count, and what they add up to.
 * Everybody who votes has checked the certificates, has the sums, and has added them for itself. docs/larger-networks.md.
 */

import { admissionsFault } from '../../../protocols/admission.ts'
import { equalBytes } from '../../../protocols/codec.ts'
import { openCohortSum } from '../../../protocols/cohort-sum.ts'
import { beaconOfSeeds } from '../../../protocols/election.ts'
import { type SignedMessage, ZERO_HASH } from '../../../protocols/envelope.ts'
import { toHex } from '../../../protocols/hex.ts'
import { nextMembers } from '../../../protocols/member-list.ts'
import {
  type Admission,
  type CohortSum,
  Decision,
  type Envelope,
  type Expulsion,
  type LinkBody
} from '../../../protocols/messages.js'
import { withRevoked } from '../../../protocols/orders.ts'
import { leastCohortOf, reasonOfSubject } from '../../../protocols/pause.ts'
import type { PeerId } from '../../../protocols/ports.ts'
import { quorumOf } from '../../../protocols/quorum.ts'
import { nodeAt, parentOf, type TreeNode } from '../../../protocols/tree.ts'
import { membersThatCount } from '../../../protocols/tree-link.ts'
import type { Grounds, Judgement } from '../agreement.ts'
import { envelopesOf, judgeOrders, ordersNow } from '../author-orders.ts'
import { expulsionsNow, judgeExpulsions } from '../expulsion.ts'
import { admissionsAmong, fits, newcomersOf, registeredFor } from '../newcomers.ts'
import { privacySpentWith } from '../privacy-spent.ts'
import { linkBase } from '../result.ts'
import type { Draft } from '../round-state.ts'
import type { AddedSums, RoundOutcome } from '../round-types.ts'
import { refuse, remember } from '../speak.ts'
import { lossOf } from './leaf.ts'
import { type ChildSum, childNodes, countable, holdersOf, type ParentState } from './parent-state.ts'

/** Takes in what a cohort below has certified. @throws ProtocolError BAD_MESSAGE if it does not hold */
export function onChildSum(draft: Draft, parent: ParentState, message: SignedMessage): void {
  const { deps } = draft
  const { tree } = parent.place
  const node = nodeAt(tree, message.context.cohort ?? '')
  if (node === null || parentOf(tree, node) !== parent.place.node || parent.ending !== null) return
  const known = parent.children.get(node.index)
  const { payload } = message
  // A few members hand it up, each for itself; one of them is enough.
  if (known !== undefined && equalBytes(deps.crypto.sha256(payload), known.payloadHash)) return
  const lengthBytes = sumBytesOf(draft, parent)
  const open = openCohortSum(payload, tree, node, parent.context, lengthBytes, deps.crypto)
  if (known !== undefined) {
    if (equalBytes(known.hash, open.hash)) return
    // More than f of its members lie. Those here who know one of the two must hear of the other, or they never agree.
    parent.children.set(node.index, { ...known, standing: 'useless' })
    remember(parent, message)
    return refuse(draft, message, 'that cohort has certified something else')
  }
  const payloadHash = deps.crypto.sha256(payload)
  parent.children.set(node.index, { ...open, payloadHash, standing: 'pulling' })
  remember(parent, message)
  if (open.kind !== 'sum') return
  draft.effects.push({
    type: 'pull-sum',
    round: parent.round,
    attempt: parent.attempt,
    completedRounds: parent.tip.completedRounds,
    encodedFor: parent.encodedFor,
    address: open.sum.address,
    lengthBytes,
    survivors: open.sum.survivors.length,
    holders: holdersOf(parent, node, deps.self)
  })
}

/** Cohort sums travel in 32-bit integers, whatever the ring. */
function sumBytesOf({ deps }: Draft, { encodedFor, tip }: ParentState): number {
  return 4 * deps.laneCountOf(encodedFor, tip.completedRounds)
}

export function onSumHeld(parent: ParentState, address: Uint8Array, isSound: boolean): void {
  for (const [index, child] of parent.children) {
    if (child.standing === 'pulling' && equalBytes(child.sum.address, address))
      parent.children.set(index, { ...child, standing: isSound ? 'held' : 'useless' })
  }
}

/** Everything that can still be waited for is here. */
export function sumsComplete(draft: Draft, parent: ParentState): boolean {
  return childNodes(parent).every(node => {
    const child = parent.children.get(node.index)
    return child === undefined
      ? isDeserted(draft, node)
      : child.kind !== 'sum' || child.standing !== 'pulling'
  })
}

/**
 * So many members of a cohort have gone out of reach that the rest decide nothing. Members that never were in reach say
 * nothing: in a large network nobody is connected to everybody.
 */
function isDeserted(draft: Draft, { cohort }: TreeNode): boolean {
  const { viewMs } = draft.deps.run.manifest.deadlines
  const gone = cohort.filter(peer => {
    const reach = draft.state.reach.get(peer)
    return reach !== undefined && !reach.connected && draft.nowMs - reach.sinceMs >= viewMs
  })
  return cohort.length - gone.length < quorumOf(cohort.length)
}

/** Time was up: what is held from here on may be left out. */
export function keepDueTime(draft: Draft, parent: ParentState): void {
  if (parent.heldWhenDue === null && draft.nowMs >= parent.dueMs)
    parent.heldWhenDue = countable(parent).map(({ hash }) => toHex(hash))
}

/** What the leader proposes, or null while it is worth waiting. */
export function proposeSums(draft: Draft, parent: ParentState): Uint8Array | null {
  const lateMs = parent.dueMs + draft.deps.run.manifest.deadlines.viewMs / 4
  if (!sumsComplete(draft, parent) && draft.nowMs < lateMs) return null
  const counted = countable(parent)
  if (counted.length === 0) return null
  const messages = newcomersOf(draft, parent.tip)
  const newcomers = messages.map(({ sender }) => sender)
  const admissions = admissionsAmong(draft.deps.run, messages)
  const orders = envelopesOf(ordersNow(draft, parent.tip))
  const survivors = new Set(counted.flatMap(({ sum }) => sum.survivors.map(({ peer }) => peer)))
  // Whoever was found out too late for its leaf to leave it out is expelled in the next round.
  const expulsions = expulsionsNow(draft, parent).filter(({ peer }) => !survivors.has(peer))
  return decisionOn(draft, parent, counted, { newcomers, expulsions, admissions, orders })
}

/** That there is nothing to add: when time is up, or every cohort below has said so. */
export function giveUpSums(draft: Draft, parent: ParentState): Uint8Array | null {
  return comesToNothing(draft, parent) ? nothingOf(draft, parent) : null
}

function comesToNothing(draft: Draft, parent: ParentState): boolean {
  const isTime = draft.nowMs >= parent.dueMs || sumsComplete(draft, parent)
  const counted = countable(parent)
  return isTime && (counted.length === 0 || parent.added.get(keyOf(counted)) === 'failed')
}

function nothingOf(draft: Draft, parent: ParentState): Uint8Array {
  return isRoot(parent) ? Decision.encode({ link: linkOf(draft, parent, 'lost') }) : lossOf(parent)
}

export function judgeSums(
  draft: Draft,
  parent: ParentState,
  bytes: Uint8Array,
  { abortable, fresh }: Grounds
): Judgement {
  const hash = toHex(draft.deps.crypto.sha256(bytes))
  // Before a restart this peer came to it: its vote is in the journal.
  if ([...parent.agreements.result.prepared.values()].includes(hash)) return 'valid'
  if (equalBytes(bytes, nothingOf(draft, parent)))
    return !fresh || (abortable && comesToNothing(draft, parent)) ? 'valid' : 'invalid'
  const { link, cohortSum } = Decision.decode(bytes)
  const named = (isRoot(parent) ? link?.children : cohortSum?.children) ?? []
  const counted: ChildSum[] = []
  for (const child of named) {
    const known = [...parent.children.values()].find(other => equalBytes(other.hash, child))
    if (known === undefined) return 'later'
    if (known.kind !== 'sum' || known.standing === 'useless') return 'invalid'
    if (known.standing === 'pulling') return 'later'
    counted.push(known)
  }
  if (counted.length === 0 || (fresh && leavesOut(parent, counted))) return 'invalid'
  const newcomers = newcomersIn(draft, parent, link)
  if (newcomers === null) return 'later'
  const { expulsions = [], admissions = [], orders = [] } = link ?? {}
  if (fresh && !isFounded(draft, parent, newcomers, admissions, orders)) return 'invalid'
  const own = decisionOn(draft, parent, counted, { newcomers, expulsions, admissions, orders })
  if (own === null) return parent.added.get(keyOf(counted)) === 'failed' ? 'invalid' : 'later'
  return equalBytes(own, bytes) ? judgeExpulsions(draft, parent, expulsions) : 'invalid'
}

/** A sum that this peer had in time is missing: the leader has it too, or could have. */
function leavesOut(parent: ParentState, counted: readonly ChildSum[]): boolean {
  const { heldWhenDue } = parent
  return countable(parent).some(
    child => !counted.includes(child) && (heldWhenDue === null || heldWhenDue.includes(toHex(child.hash)))
  )
}

/** Those whom a proposed link brings in; null while this peer has not heard each of them say so. */
function newcomersIn(draft: Draft, { tip }: ParentState, link: LinkBody | undefined): PeerId[] | null {
  const named = (link?.members ?? []).filter(peer => !tip.members.includes(peer))
  const heard = new Set(registeredFor(draft, tip).map(({ sender }) => sender))
  return named.every(peer => heard.has(peer)) ? named : null
}

/** False if it lets in whom no honest leader would, or lists what the author did not order. */
function isFounded(
  draft: Draft,
  { tip }: ParentState,
  newcomers: readonly PeerId[],
  admissions: readonly Admission[],
  orders: readonly Envelope[]
): boolean {
  const { run, crypto } = draft.deps
  const ordered = judgeOrders(draft, tip, orders)
  if (ordered === null) return false
  const record = withRevoked(tip.admission, ordered)
  if (admissionsFault(record, admissions, newcomers, run, crypto) !== null) return false
  return fits(draft, record, admissions)
}

/** Who comes and who goes with a link; of no account below the root. */
interface MemberChanges {
  readonly newcomers: readonly PeerId[]
  readonly expulsions: readonly Expulsion[]
  readonly admissions: readonly Admission[]
  readonly orders: readonly Envelope[]
}

/** What it comes to when these sums count; asks for them to be added if they are not. Null until they are. */
function decisionOn(
  draft: Draft,
  parent: ParentState,
  counted: readonly ChildSum[],
  changes: MemberChanges
): Uint8Array | null {
  const key = keyOf(counted)
  const added = parent.added.get(key)
  if (added === undefined) {
    parent.added.set(key, null)
    draft.effects.push({
      type: 'add-sums',
      round: parent.round,
      attempt: parent.attempt,
      completedRounds: parent.tip.completedRounds,
      encodedFor: parent.encodedFor,
      cohort: parent.context.cohort!,
      key,
      addresses: counted.map(({ sum }) => sum.address),
      survivors: counted.reduce((count, { sum }) => count + sum.survivors.length, 0),
      privacySpent: privacySpentWith(draft, parent),
      into: isRoot(parent) ? 'state' : 'sum'
    })
  }
  if (added === undefined || added === null || added === 'failed') return null
  if (added.type === 'outcome')
    return Decision.encode({ link: resultOf(draft, parent, counted, changes, added.outcome) })
  return Decision.encode({ cohortSum: sumOf(draft, parent, counted, added) })
}

function sumOf(
  draft: Draft,
  parent: ParentState,
  counted: readonly ChildSum[],
  { address, lengthBytes }: AddedSums & { type: 'sum' }
): CohortSum {
  return {
    kind: 'sum',
    rosterHash: ZERO_HASH,
    survivors: counted.flatMap(({ sum }) => sum.survivors),
    address,
    length: lengthBytes,
    beacon: beaconOf(draft, parent, counted),
    children: counted.map(({ hash }) => hash)
  }
}

function resultOf(
  draft: Draft,
  parent: ParentState,
  counted: readonly ChildSum[],
  { newcomers, expulsions, admissions, orders }: MemberChanges,
  { stateHash, weightSum, meanLoss }: RoundOutcome
): LinkBody {
  const { tip, place } = parent
  const survivors = counted.flatMap(({ sum }) => sum.survivors)
  const peers = survivors.map(({ peer }) => peer)
  const least = leastCohortOf(draft.deps.run.manifest)
  const members = nextMembers(tip, membersThatCount(place.tree, peers), peers, newcomers, least, expulsions)
  return {
    ...linkOf(draft, parent, 'result'),
    survivors,
    members,
    expulsions: [...expulsions],
    // The list takes no more than it has room for.
    admissions: admissions.filter(({ peer }) => members.includes(peer)),
    orders: [...orders],
    stateHash,
    beacon: beaconOf(draft, parent, counted),
    completedRounds: tip.completedRounds + 1,
    weightSum,
    meanLoss,
    children: counted.map(({ hash }) => hash)
  }
}

function linkOf(draft: Draft, parent: ParentState, kind: 'result' | 'lost'): LinkBody {
  const reason = kind === 'lost' ? reasonOfSubject.result : ''
  return { ...linkBase(draft, parent, kind), reason, node: parent.context.cohort! }
}

/** As of a leaf, of whose survivors nobody knew the others' seeds: the hash of what came of them below. */
function beaconOf({ deps }: Draft, { round }: ParentState, counted: readonly ChildSum[]): Uint8Array {
  const { run, crypto } = deps
  return beaconOfSeeds(
    run.id,
    round + 1,
    counted.map(({ sum }) => sum.beacon),
    crypto.sha256
  )
}

function keyOf(counted: readonly ChildSum[]): string {
  return counted.map(({ hash }) => toHex(hash)).join(' ')
}

export function isRoot({ place }: ParentState): boolean {
  return place.node === place.tree.root
}
