/**
 * ConsistencyCheck: whose masked inputs count, and who is in the next round. The set is recomputed from signed
 * inventories by everyone who votes, so that no leader can leave out a body that the honest members hold.
 * secure sum, message 4.
 */
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { byId } from '../../protocols/election.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { nextMembers } from '../../protocols/member-list.ts'
import {
  type Admission,
  Decision,
  Envelope,
  type Expulsion,
  MaskedInput,
  type SurvivorsDecision
} from '../../protocols/messages.js'
import { withRevoked } from '../../protocols/orders.ts'
import { leastCohortOf } from '../../protocols/pause.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { Judgement } from './agreement.ts'
import { envelopesOf, judgeOrders, ordersNow } from './author-orders.ts'
import { expulsionsNow, judgeExpulsions } from './expulsion.ts'
import { isUseless, openHeader, openInner, openInventory, pull } from './inputs.ts'
import { admissionsAmong, newcomersOf, openNewcomers } from './newcomers.ts'
import { tellPrivacySpent } from './privacy-spent.ts'
import { type AttemptState, type Draft, isAbsent, isVerifier, type SurvivorEntry } from './round-state.ts'

/** A header that at least f + 1 inventories list, and no f + 1 contradict; f and q are over the verifiers. */
interface Listed {
  readonly peer: PeerId
  readonly hash: Uint8Array
  readonly holders: readonly PeerId[]
}

/** S by the rule: exactly the headers in at least f + 1 inventories, less those of the expelled; in roster order. */
function listedSurvivors(
  attempt: AttemptState,
  inventories: readonly SignedMessage[],
  expulsions: readonly Expulsion[]
): Listed[] | null {
  const byIndex = new Map<number, Map<string, { hash: Uint8Array; holders: PeerId[] }>>()
  for (const message of inventories) {
    const refs = openInventory(attempt, message)
    if (refs === null) return null
    for (const { index, hash } of refs) {
      const hashes = byIndex.get(index) ?? new Map<string, { hash: Uint8Array; holders: PeerId[] }>()
      const entry = hashes.get(toHex(hash)) ?? { hash, holders: [] }
      entry.holders.push(message.sender)
      hashes.set(toHex(hash), entry)
      byIndex.set(index, hashes)
    }
  }
  const listed: Listed[] = []
  attempt.roster!.forEach(({ peer }, index) => {
    // What f + 1 list, an honest member has seen; fewer could name a header that nobody has, to shut its peer out.
    const hashes = [...(byIndex.get(index)?.values() ?? [])].filter(
      ({ holders }) => holders.length > attempt.verifiers.faults
    )
    // Two such headers of one peer: it equivocated, whoever is asked.
    if (hashes.length !== 1 || expulsions.some(expulsion => expulsion.peer === peer)) return
    if (attempt.dealers!.includes(peer)) listed.push({ peer, ...hashes[0]! })
  })
  return listed
}

export function proposeSurvivors(draft: Draft, attempt: AttemptState, proposer: number): Uint8Array | null {
  const { dealers, inventories, quorum, verifiers } = attempt
  if (dealers === null || inventories.size < verifiers.quorum) return null
  const senders = [...inventories.values()].sort((a, b) => byId(a.sender, b.sender))
  const expulsions = expulsionsNow(draft, attempt)
  const listed = listedSurvivors(attempt, senders, expulsions)
  if (listed === null || listed.length < quorum) return null
  const everyone = dealers.every(
    peer => isUseless(draft, attempt, peer) || listed.some(entry => entry.peer === peer)
  )
  const nobodyElse = verifiers.voters.every(peer => inventories.has(peer) || isAbsent(draft, peer))
  const lateMs = attempt.inputsDueMs + draft.deps.run.manifest.deadlines.viewMs / 4
  if (!everyone && !nobodyElse && draft.nowMs < lateMs) return null
  const headers: SignedMessage[] = []
  for (const { hash } of listed) {
    // Not `headers`: of an equivocator that holds the one that came first here.
    const header = attempt.transcript.get(toHex(hash))
    if (header === undefined) return null
    headers.push(header)
  }
  const isWhole = attempt.place === null
  const newcomers = isWhole ? newcomersOf(draft, attempt.tip) : []
  return Decision.encode({
    survivors: {
      proposer,
      inventories: senders.map(message => Envelope.decode(message.bytes)),
      headers: headers.map(message => Envelope.decode(message.bytes)),
      nextMembers: membersAfter(draft, attempt, listed, newcomers, expulsions),
      registrations: newcomers.map(message => Envelope.decode(message.bytes)),
      expulsions,
      orders: isWhole ? envelopesOf(ordersNow(draft, attempt.tip)) : []
    }
  })
}

function membersAfter(
  draft: Draft,
  attempt: AttemptState,
  listed: readonly Listed[],
  newcomers: readonly SignedMessage[],
  expulsions: readonly Expulsion[]
): PeerId[] {
  // Of a leaf: the root sees to it, for all of them.
  if (attempt.place !== null) return []
  return nextMembers(
    attempt.tip,
    attempt.cohort,
    listed.map(({ peer }) => peer),
    newcomers.map(({ sender }) => sender),
    leastCohortOf(draft.deps.run.manifest),
    expulsions
  )
}

export function judgeSurvivors(draft: Draft, attempt: AttemptState, decision: SurvivorsDecision): Judgement {
  if (attempt.dealers === null) return 'later'
  if (decision.proposer >= attempt.cohort.length) return 'invalid'
  const inventories = openAll(draft, attempt, decision.inventories)
  const headers = openAll(draft, attempt, decision.headers)
  if (inventories === null || headers === null) return 'invalid'
  if (new Set(inventories.map(({ sender }) => sender)).size !== inventories.length) return 'invalid'
  if (inventories.length < attempt.verifiers.quorum) return 'invalid'
  const { expulsions } = decision
  const listed = listedSurvivors(attempt, inventories, expulsions)
  if (listed === null || listed.length < attempt.quorum || listed.length !== headers.length) return 'invalid'
  const match = listed.every(({ peer, hash }, i) => {
    const header = headers[i]!
    return (
      header.sender === peer && equalBytes(header.hash, hash) && openHeader(draft, attempt, header) !== null
    )
  })
  if (!match) return 'invalid'
  const orders = judgeOrders(draft, attempt.tip, decision.orders)
  if (orders === null) return 'invalid'
  const record = withRevoked(attempt.tip.admission, orders)
  const newcomers = openNewcomers(draft, attempt.tip, decision.registrations, record)
  if (newcomers === null) return 'invalid'
  // A leaf lets nobody in and carries nothing out: the root does.
  if (attempt.place !== null && newcomers.length + decision.orders.length > 0) return 'invalid'
  const members = membersAfter(draft, attempt, listed, newcomers, expulsions)
  if (members.join() !== decision.nextMembers.join()) return 'invalid'
  return judgeExpulsions(draft, attempt, expulsions)
}

function openAll(
  draft: Draft,
  attempt: AttemptState,
  envelopes: readonly Envelope[]
): SignedMessage[] | null {
  const messages = envelopes.map(envelope => openInner(draft, attempt, Envelope.encode(envelope)))
  return messages.every(message => message !== null) ? (messages as SignedMessage[]) : null
}

/** Takes the committed set. Nothing about it can change any more in this attempt. */
export function adoptSurvivors(draft: Draft, attempt: AttemptState, decision: SurvivorsDecision): void {
  const inventories = openAll(draft, attempt, decision.inventories) ?? []
  const listed = listedSurvivors(attempt, inventories, decision.expulsions) ?? []
  const survivors: SurvivorEntry[] = []
  for (const envelope of decision.headers) {
    const message = openInner(draft, attempt, Envelope.encode(envelope))
    if (message === null) throw new Error('a certified survivor set holds a header that does not open')
    const { address, length } = decodeCanonical(MaskedInput, message.payload, 'masked input header')
    const holders = listed.find(({ peer }) => peer === message.sender)?.holders ?? []
    survivors.push({ peer: message.sender, address, lengthBytes: length, holders })
    // Held under another header: the committed one is what counts.
    const known = attempt.headers.get(message.sender)
    if (known === undefined || !equalBytes(known.hash, message.hash)) attempt.held.delete(message.sender)
    attempt.headers.set(message.sender, message)
    if (!attempt.held.has(message.sender) && isVerifier(attempt, draft.deps.self))
      pull(draft, attempt, message.sender, { address, length }, holders)
  }
  attempt.survivors = survivors
  tellPrivacySpent(draft, attempt)
  attempt.nextMembers = decision.nextMembers
  attempt.expulsions = decision.expulsions
  attempt.admissions = admissionsIn(draft, decision)
  attempt.orders = decision.orders
  attempt.resultDueMs = draft.nowMs + draft.deps.run.manifest.deadlines.unmaskingMs
}

function admissionsIn(draft: Draft, { registrations, nextMembers }: SurvivorsDecision): Admission[] {
  const newcomers = registrations.map(({ sender, payload }) => ({ sender: peerIdOf(sender), payload }))
  return admissionsAmong(draft.deps.run, newcomers, nextMembers)
}
