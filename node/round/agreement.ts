/**
 * One agreement of a set of voters on one value: prepare, commit, views. Pure rules, no messages and no signatures made
 * here: round-machine.ts seals what these functions ask for.
 *
 * Safety: two values cannot both be committed, as their quorums share an honest member, who locks on what it commits
 * to, and a later leader must propose the highest prepare certificate among a quorum of new-views.
 * Source: Castro and Liskov 1999 (PBFT); votes go to the leader and a stand-in, not all to all, as in HotStuff
 * (Yin et al. 2019).
 */

import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { Subject, VoteKind } from '../../protocols/certificate.ts'
import { equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { VOTES_PER_MEMBER } from '../../protocols/limits.ts'
import type { Certificate, Context, NewView, Proposal } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import type { VotingRules } from './voting-rules.ts'

/** What an agreement stands on. */
export interface AgreementSetting {
  readonly subject: Subject
  /** Sorted by id: certificates index into it. Whoever is not among them follows the certificates and says nothing. */
  readonly voters: readonly PeerId[]
  /** By rank, the leader of view 0 first. */
  readonly leaders: readonly PeerId[]
  readonly quorum: number
  readonly faults: number
  readonly self: PeerId
  /** In which the votes are signed. */
  readonly context: Context
  readonly viewMs: number
  readonly crypto: CryptoSuite
  readonly rules: VotingRules
}

export interface HeldNewView {
  readonly message: SignedMessage
  readonly prepared: Certificate | undefined
}

export interface AgreementState {
  /** Votes below this view are over for this peer. */
  view: number
  /** When this peer gives up on the current view; Infinity before it is open. */
  deadlineMs: number
  /** A proposal that was checked in form but cannot be judged yet. */
  undecidedProposal: {
    readonly message: SignedMessage
    readonly proposal: Proposal
    readonly grounds: Grounds
  } | null
  /** Values seen, by hash: a certificate alone does not carry them. */
  readonly values: Map<string, Uint8Array>
  /** View -> hash of the value that this peer voted for. */
  readonly prepared: Map<number, string>
  readonly committed: Map<number, string>
  /** The highest prepare certificate that this peer has committed to. */
  lock: { readonly certificate: Certificate; readonly decision: Uint8Array } | null
  /** `kind view hash` -> voter -> vote. */
  readonly votes: Map<string, Map<PeerId, SignedMessage>>
  readonly newViews: Map<number, Map<PeerId, HeldNewView>>
  /** Certificates that this stand-in makes if the leader has not by then. */
  assist: {
    readonly kind: VoteKind
    readonly view: number
    readonly hash: string
    readonly atMs: number
  } | null
  /** Views in which this peer has proposed, and certificates that it has made. */
  readonly proposed: Set<number>
  readonly certified: Set<string>
  decided: { readonly certificate: Certificate; readonly decision: Uint8Array } | null
}

/** What a justified proposal may be: an abort too? And did its leader make the value, or must it repeat it? */
export interface Grounds {
  readonly abortable: boolean
  readonly fresh: boolean
}

/** What an agreement asks its machine to do. */
export type AgreementOutput =
  | { readonly type: 'vote'; readonly kind: VoteKind; readonly view: number; readonly valueHash: Uint8Array }
  | { readonly type: 'certificate'; readonly certificate: Certificate; readonly decision: Uint8Array }
  | { readonly type: 'new-view'; readonly view: number }
  | { readonly type: 'decided' }

/** Whether a proposed value may be voted for. `later`: something that it rests on is not here yet. */
export type Judgement = 'valid' | 'invalid' | 'later'

export function newAgreement(): AgreementState {
  return {
    view: 0,
    deadlineMs: Number.POSITIVE_INFINITY,
    undecidedProposal: null,
    values: new Map(),
    prepared: new Map(),
    committed: new Map(),
    lock: null,
    votes: new Map(),
    newViews: new Map(),
    assist: null,
    proposed: new Set(),
    certified: new Set(),
    decided: null
  }
}

/** A copy that shares no container with the original. */
export function copyAgreement(state: AgreementState): AgreementState {
  return {
    ...state,
    values: new Map(state.values),
    prepared: new Map(state.prepared),
    committed: new Map(state.committed),
    votes: new Map([...state.votes].map(([key, votes]) => [key, new Map(votes)])),
    newViews: new Map([...state.newViews].map(([view, held]) => [view, new Map(held)])),
    proposed: new Set(state.proposed),
    certified: new Set(state.certified)
  }
}

export function leaderOf(setting: AgreementSetting, view: number): PeerId {
  return setting.leaders[view % setting.leaders.length]!
}

/** Who gets the votes of a view: its leader, and the next in line, who steps in if the leader falls silent. */
export function voteRecipients(setting: AgreementSetting, view: number): PeerId[] {
  return [...new Set([leaderOf(setting, view), leaderOf(setting, view + 1)])]
}

/** Starts the clock of view 0 (or, after a restart, of the view in the journal). Does nothing if it runs already. */
export function openAgreement(state: AgreementState, setting: AgreementSetting, proposeByMs: number): void {
  if (state.deadlineMs === Number.POSITIVE_INFINITY)
    state.deadlineMs = proposeByMs + patienceMs(setting, state.view)
}

/** All that this peer waits for is here, so the leader should propose soon. */
export function hastenAgreement(state: AgreementState, setting: AgreementSetting, nowMs: number): void {
  if (state.deadlineMs === Number.POSITIVE_INFINITY) return
  state.deadlineMs = Math.min(state.deadlineMs, nowMs + patienceMs(setting, state.view))
}

function patienceMs(setting: AgreementSetting, view: number): number {
  return setting.viewMs * Math.min(2 ** view, 8)
}

/** When the answers to what was asked on entering the current view should have come: nobody gives up before. */
export function settledAtMs(state: AgreementState, setting: AgreementSetting): number {
  return state.deadlineMs - patienceMs(setting, state.view) + setting.viewMs / 4
}

/**
 * What the leader of the current view may propose.
 * @returns `wait` if this peer does not lead, has proposed, or lacks new-views; the value that it must repeat; or
 * `free` to propose what it likes, `abortable` if that may be an abort
 */
export function proposable(
  state: AgreementState,
  setting: AgreementSetting
): 'wait' | { readonly repeat: Uint8Array } | { readonly free: true; readonly abortable: boolean } {
  const { view } = state
  if (state.decided !== null || leaderOf(setting, view) !== setting.self || state.proposed.has(view))
    return 'wait'
  const reports = usableNewViews(state).map(({ prepared }) => prepared)
  const freedom = setting.rules.freedomOf(view, reports, setting.quorum)
  if (freedom === null) return 'wait'
  if (freedom.repeat === null) return { free: true, abortable: freedom.abortable }
  const repeat = state.values.get(toHex(freedom.repeat.valueHash))
  return repeat === undefined ? 'wait' : { repeat }
}

/** True of the proposal that waits to be judged again. */
export function isUndecided({ undecidedProposal }: AgreementState, { hash }: SignedMessage): boolean {
  return undecidedProposal !== null && equalBytes(undecidedProposal.message.hash, hash)
}

/**
 * The new-views of the current view on which its leader can propose. One that reports a value which never came here
 * does not count: its sender could keep the value back, and stop every leader that has not seen it.
 */
export function usableNewViews({ view, newViews, values }: AgreementState): HeldNewView[] {
  return [...(newViews.get(view)?.values() ?? [])].filter(
    ({ prepared }) => prepared === undefined || values.has(toHex(prepared.valueHash))
  )
}

/**
 * Checks that a proposal comes from its view's leader and is justified by new-views.
 * @param newViews - those that the proposal carries, opened: signatures checked
 * @returns null if it is not
 */
export function justified(
  setting: AgreementSetting,
  proposal: Proposal,
  sender: PeerId,
  newViews: ReadonlyArray<{ readonly sender: PeerId; readonly newView: NewView }>
): Grounds | null {
  if (leaderOf(setting, proposal.view) !== sender) return null
  const senders = new Set<PeerId>()
  for (const { sender: from, newView } of newViews) {
    if (
      newView.subject !== setting.subject ||
      newView.view !== proposal.view ||
      !setting.voters.includes(from)
    )
      return null
    senders.add(from)
    const { prepared } = newView
    if (prepared !== undefined && !preparedBefore(setting, prepared, proposal.view)) return null
  }
  if (senders.size !== newViews.length) return null
  const reports = newViews.map(({ newView }) => newView.prepared)
  const freedom = setting.rules.freedomOf(proposal.view, reports, setting.quorum)
  if (freedom === null) return null
  if (freedom.repeat === null) return { abortable: freedom.abortable, fresh: true }
  const repeats = equalBytes(setting.crypto.sha256(proposal.decision), freedom.repeat.valueHash)
  // Repeating a locked abort is allowed: it was justified when it was first proposed.
  return repeats ? { abortable: true, fresh: false } : null
}

/** True if the certificate is a prepare certificate of an earlier view of this agreement. */
export function preparedBefore(setting: AgreementSetting, certificate: Certificate, view: number): boolean {
  return (
    certificate.subject === setting.subject &&
    certificate.view < view &&
    setting.rules.holds(certificate, 'prepare', setting.voters, setting.context, setting.crypto)
  )
}

/** A proposal justified on these grounds, judged. Votes at most once in a view. */
export function onProposal(
  state: AgreementState,
  setting: AgreementSetting,
  message: SignedMessage,
  proposal: Proposal,
  grounds: Grounds,
  judgement: Judgement,
  nowMs: number
): AgreementOutput[] {
  const { rules } = setting
  if (!rules.isOpen(state, proposal.view) || judgement === 'invalid') return []
  const valueHash = setting.crypto.sha256(proposal.decision)
  const hash = toHex(valueHash)
  const mayVote = rules.mayVote(state, 'prepare', proposal.view)
  // Of one view only one value is kept, as its leader could go on proposing for ever; after a restart, the one voted for.
  const isWaiting = judgement === 'later' && state.undecidedProposal?.proposal.view === proposal.view
  if (mayVote ? isWaiting : state.prepared.get(proposal.view) !== hash) return []
  state.values.set(hash, proposal.decision)
  if (!mayVote) return []
  if (judgement === 'later') {
    state.undecidedProposal = { message, proposal, grounds }
    return []
  }
  state.undecidedProposal = null
  enterView(state, setting, proposal.view, nowMs)
  state.prepared.set(proposal.view, hash)
  return [{ type: 'vote', kind: 'prepare', view: proposal.view, valueHash }]
}

/** A vote that reached this peer as leader or stand-in. Makes the certificate when the quorum is full. */
export function onVote(
  state: AgreementState,
  setting: AgreementSetting,
  message: SignedMessage,
  kind: VoteKind,
  view: number,
  valueHash: Uint8Array,
  nowMs: number
): AgreementOutput[] {
  if (!setting.voters.includes(message.sender)) return []
  const key = voteKey(kind, view, toHex(valueHash))
  const votes = state.votes.get(key) ?? new Map<PeerId, SignedMessage>()
  if (!votes.has(message.sender) && wordsKept(state.votes, message.sender) >= VOTES_PER_MEMBER) return []
  votes.set(message.sender, message)
  state.votes.set(key, votes)
  if (votes.size < setting.quorum || state.certified.has(key) || state.decided !== null) return []
  if (leaderOf(setting, view) === setting.self) return certify(state, setting, kind, view, toHex(valueHash))
  if (state.assist?.kind !== kind || state.assist.view !== view) {
    state.assist = { kind, view, hash: toHex(valueHash), atMs: nowMs + setting.viewMs / 3 }
  }
  return []
}

/** How many of a member's words are kept: a liar could go on for ever with other values and later views. */
function wordsKept(byMatter: ReadonlyMap<unknown, ReadonlyMap<PeerId, unknown>>, sender: PeerId): number {
  let kept = 0
  for (const bySender of byMatter.values()) if (bySender.has(sender)) kept++
  return kept
}

function certify(
  state: AgreementState,
  setting: AgreementSetting,
  kind: VoteKind,
  view: number,
  hash: string
): AgreementOutput[] {
  const key = voteKey(kind, view, hash)
  const votes = state.votes.get(key)
  const decision = state.values.get(hash)
  if (votes === undefined || decision === undefined || state.certified.has(key)) return []
  state.certified.add(key)
  const signatures = [...votes]
    .map(([peer, { signature }]) => ({ index: setting.voters.indexOf(peer), signature }))
    .sort((a, b) => a.index - b.index)
  const valueHash = setting.crypto.sha256(decision)
  return [
    {
      type: 'certificate',
      certificate: { kind, subject: setting.subject, view, valueHash, signatures },
      decision
    }
  ]
}

/**
 * A certificate with its value: a prepare certificate makes this peer lock and commit, a commit certificate decides.
 * @returns null if it does not hold
 */
export function onCertificate(
  state: AgreementState,
  setting: AgreementSetting,
  certificate: Certificate,
  decision: Uint8Array,
  nowMs: number
): AgreementOutput[] | null {
  if (state.decided !== null) return []
  const kind = certificate.kind as VoteKind
  if (kind !== 'prepare' && kind !== 'commit') return null
  if (certificate.subject !== setting.subject) return null
  if (!equalBytes(setting.crypto.sha256(decision), certificate.valueHash)) return null
  const { rules } = setting
  if (!rules.holds(certificate, kind, setting.voters, setting.context, setting.crypto)) return null
  const hash = toHex(certificate.valueHash)
  state.values.set(hash, decision)
  state.certified.add(voteKey(kind, certificate.view, hash))
  if (rules.decides(kind)) {
    state.decided = { certificate, decision }
    state.deadlineMs = Number.POSITIVE_INFINITY
    state.undecidedProposal = null
    return [{ type: 'decided' }]
  }
  const { view } = certificate
  // A certificate of a view that this peer has left: it has promised its new leader what it was locked on then.
  if (!rules.mayVote(state, 'commit', view)) return []
  enterView(state, setting, view, nowMs)
  state.lock = { certificate, decision }
  state.committed.set(view, hash)
  return [{ type: 'vote', kind: 'commit', view, valueHash: certificate.valueHash }]
}

/** A new-view that reached this peer as the leader of that view or its stand-in. */
export function onNewView(
  state: AgreementState,
  setting: AgreementSetting,
  message: SignedMessage,
  newView: NewView,
  nowMs: number
): AgreementOutput[] {
  const { view, prepared } = newView
  if (!setting.rules.isOpen(state, view) || !setting.voters.includes(message.sender)) return []
  // View 0 follows on nothing: a proposal that carried this would be refused.
  if (view === 0) return []
  if (prepared !== undefined && !preparedBefore(setting, prepared, view)) return []
  const held = state.newViews.get(view) ?? new Map<PeerId, HeldNewView>()
  if (!held.has(message.sender) && wordsKept(state.newViews, message.sender) >= VOTES_PER_MEMBER) return []
  held.set(message.sender, { message, prepared })
  state.newViews.set(view, held)
  if (setting.rules.joins(state, view, held.size, setting.faults)) return moveTo(state, setting, view, nowMs)
  return []
}

/** Time has passed: gives up on a view, or steps in for a silent leader. */
export function onTick(state: AgreementState, setting: AgreementSetting, nowMs: number): AgreementOutput[] {
  if (state.decided !== null) return []
  const { assist } = state
  if (assist !== null && nowMs >= assist.atMs) {
    state.assist = null
    const outputs = certify(state, setting, assist.kind, assist.view, assist.hash)
    if (outputs.length > 0) return outputs
  }
  if (nowMs < state.deadlineMs) return []
  return moveTo(state, setting, state.view + 1, nowMs)
}

/** When `onTick` has something to do. */
export function agreementWakeAtMs(state: AgreementState): number {
  return state.decided !== null
    ? Number.POSITIVE_INFINITY
    : Math.min(state.deadlineMs, state.assist?.atMs ?? state.deadlineMs)
}

function moveTo(
  state: AgreementState,
  setting: AgreementSetting,
  view: number,
  nowMs: number
): AgreementOutput[] {
  enterView(state, setting, view, nowMs)
  return [{ type: 'new-view', view }]
}

function enterView(state: AgreementState, setting: AgreementSetting, view: number, nowMs: number): void {
  if (view <= state.view) return
  state.view = view
  state.deadlineMs = nowMs + patienceMs(setting, view)
  if (state.undecidedProposal !== null && state.undecidedProposal.proposal.view < view)
    state.undecidedProposal = null
}

function voteKey(kind: VoteKind, view: number, hash: string): string {
  return `${kind} ${view} ${hash}`
}
