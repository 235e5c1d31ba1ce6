/**
 * The state machine of a run, seen by one peer: step(state, event, nowMs) -> { state, effects }. Pure: no clock, no
 * I/O, no randomness but what `deps` brings. A step takes the event in, then does everything that has become
 * possible, in the order of the phases.
 */
import { SUBJECTS, type Subject } from '../../protocols/certificate.ts'
import { equalBytes } from '../../protocols/codec.ts'
import type { MessageType, SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Context } from '../../protocols/messages.js'
import { agreementWakeAtMs, hastenAgreement, onTick, openAgreement, settledAtMs } from './agreement.ts'
import { onOrder, takeOwnOrders } from './author-orders.ts'
import { onEvidence, takeEvidence, watch } from './blame.ts'
import { newBlame } from './blame-state.ts'
import { adopt, beginAttempt, decideOn, keepForLater, takeLink, takeQuestion } from './decisions.ts'
import {
  onBodyHeld,
  onInputMasked,
  onInventory,
  onMaskedInput,
  onTrained,
  takeInventory,
  trainLocally
} from './inputs.ts'
import { keepInTouch, membershipWakeAtMs, onFounding, onRegistration, onTip } from './membership.ts'
import { enterPhase } from './phases.ts'
import { onUnmasked, onUnmaskFailed } from './result.ts'
import { onWithoutSecrets, probe, resume } from './resume.ts'
import { advertiseKeys, askForKeys, onAdvertiseKeys, rosterComplete } from './roster.ts'
import { type AttemptState, copyState, type Draft, isVoter, type RunState, settingOf } from './round-state.ts'
import type { RoundDeps, RoundEvent, RoundMachine } from './round-types.ts'
import { acknowledgeShares, onShareAck, onShareKeys, shareKeys, sharesComplete } from './shares.ts'
import { askFor, refuse, send } from './speak.ts'
import { askToStandDown, onStandDown } from './standing-down.ts'
import { onSummed } from './tree/leaf.ts'
import { advanceParent, parentMoments } from './tree/parent-cohort.ts'
import type { ParentState } from './tree/parent-state.ts'
import { onChildSum } from './tree/parent-sums.ts'
import { takeTreeEvent } from './tree/places.ts'
import { wayOf } from './tree/routes.ts'
import { onRefusal } from './turning-away.ts'
import { bundlesExhausted, onUnmaskBundle, openSum, releaseShares } from './unmasking.ts'
import { attestedHash, collectionComplete, onAttestation, standIn } from './verifiers.ts'
import { carryOut, isAhead, propose, reconsider } from './voting.ts'

/** A safety net under all timers. */
const MAX_SLEEP_MS = 10_000

export function createRoundMachine(deps: RoundDeps): RoundMachine<RunState> {
  return {
    initial: nowMs => ({
      phase: 'WaitingForMembers',
      phaseKey: '',
      tip: null,
      attempt: null,
      tree: null,
      parents: [],
      nonce: deps.crypto.randomBytes(32),
      registrations: new Map(),
      turnedAway: new Map(),
      refusedAs: null,
      orders: new Map(),
      ownOrders: [],
      reach: new Map(),
      startedAtMs: nowMs,
      heartbeatAtMs: nowMs,
      behind: null,
      syncAtMs: nowMs,
      awaited: null,
      backlog: new Map(),
      blame: newBlame(),
      missing: [],
      wakeAtMs: nowMs
    }),
    step(given, event, nowMs) {
      const draft: Draft = { state: copyState(given), deps, nowMs, effects: [], inbox: [] }
      take(draft, event)
      settle(draft)
      enterPhase(draft)
      draft.state.wakeAtMs = nextWakeAtMs(draft)
      return { state: draft.state, effects: draft.effects }
    },
    wakeAtMs: state => state.wakeAtMs
  }
}

/**
 * Everything signed that belongs to the current attempt, for those who missed it.
 * @param cohort - in a larger network, of which of this peer's cohorts
 */
export function transcriptOf({ attempt, parents }: RunState, cohort?: string): SignedMessage[] {
  const assemblies = attempt === null ? parents : [attempt, ...parents]
  const asked = assemblies.find(({ context }) => context.cohort === cohort)
  return [...(asked?.transcript.values() ?? [])]
}

function take(draft: Draft, event: RoundEvent): void {
  const { state } = draft
  const { attempt } = state
  if (event.type === 'message') return takeMessage(draft, event.message)
  if (event.type === 'peer') {
    state.reach.set(event.peer, { connected: event.connected, sinceMs: draft.nowMs })
    return
  }
  if (event.type === 'adopt') return adopt(draft, event.tip)
  if (event.type === 'orders') return takeOwnOrders(draft, event.orders)
  if (event.type === 'stand-down') return askToStandDown(draft)
  if (event.type === 'evidence') return void takeEvidence(draft, event.bytes)
  if (event.type === 'tick' || takeTreeEvent(draft, event) || attempt === null || attempt.ending !== null)
    return
  if (event.type === 'body-held') return onBodyHeld(draft, attempt, event.owner, event.address)
  if (event.round !== attempt.round || event.attempt !== attempt.attempt) return
  if (event.type === 'probed') resume(draft, attempt, event)
  else if (event.type === 'trained') onTrained(draft, attempt)
  else if (event.type === 'training-failed') attempt.training = 'failed'
  else if (event.type === 'input-masked') onInputMasked(draft, attempt, event)
  else if (event.type === 'unmasked') onUnmasked(draft, attempt, event)
  else if (event.type === 'summed') onSummed(draft, attempt, event)
  else if (event.type === 'unmask-failed') onUnmaskFailed(draft, attempt)
}

/** Takes in one's own words and those that became readable, until nothing is left to do. */
function settle(draft: Draft): void {
  keepInTouch(draft)
  const { attempt } = draft.state
  if (attempt !== null && attempt.ending === null)
    for (const subject of SUBJECTS) tickAgreement(draft, attempt, subject)
  for (const parent of draft.state.parents) tickAgreement(draft, parent, 'result')
  advanceAll(draft)
  while (draft.inbox.length > 0) {
    takeMessage(draft, draft.inbox.shift()!)
    if (draft.inbox.length === 0) advanceAll(draft)
  }
}

function advanceAll(draft: Draft): void {
  advance(draft)
  for (const parent of draft.state.parents) {
    // The link may have come meanwhile, and with it other cohorts.
    if (draft.state.parents.includes(parent)) advanceParent(draft, parent)
  }
}

function tickAgreement(draft: Draft, attempt: AttemptState | ParentState, subject: Subject): void {
  const setting = settingOf(attempt, subject, draft.deps)
  // Who has no vote has no view to give up on.
  if (setting === null || !isVoter(setting) || attempt.participation === 'probing') return
  carryOut(draft, attempt, subject, onTick(attempt.agreements[subject], setting, draft.nowMs))
}

/** Does, in the order of the phases, whatever can be done now. Doing it twice changes nothing. */
function advance(draft: Draft): void {
  const { attempt } = draft.state
  if (attempt === null || attempt.ending !== null) return
  if (attempt.participation === 'probing') return probe(draft, attempt)
  advertiseKeys(draft, attempt)
  askForKeys(draft, attempt)
  shareKeys(draft, attempt)
  acknowledgeShares(draft, attempt)
  trainLocally(draft, attempt)
  takeInventory(draft, attempt)
  releaseShares(draft, attempt)
  standIn(draft, attempt)
  openSum(draft, attempt)
  keepTime(draft, attempt)
  for (const subject of SUBJECTS) {
    decideOn(draft, attempt, subject, reconsider(draft, attempt, subject))
    if (draft.state.attempt !== attempt) return
    propose(draft, attempt, subject)
  }
}

/** Opens the agreements' clocks, and shortens them where all that can come is here. */
function keepTime(draft: Draft, attempt: AttemptState): void {
  const graceMs = draft.deps.run.manifest.deadlines.viewMs / 4
  const clocks: ReadonlyArray<readonly [Subject, boolean, number, () => boolean]> = [
    ['roster', true, attempt.rosterDueMs, () => rosterComplete(draft, attempt)],
    ['shares', attempt.roster !== null, attempt.sharesDueMs + graceMs, () => sharesComplete(draft, attempt)],
    [
      'survivors',
      attempt.dealers !== null,
      attempt.inputsDueMs + graceMs,
      () => collectionComplete(draft, attempt)
    ],
    [
      'result',
      attempt.survivors !== null,
      attempt.resultDueMs,
      () => attempt.ownResult !== null || attestedHash(attempt) !== null || bundlesExhausted(attempt)
    ]
  ]
  for (const [subject, begun, dueMs, complete] of clocks) {
    const setting = settingOf(attempt, subject, draft.deps)
    const state = attempt.agreements[subject]
    if (!begun || setting === null || state.decided !== null) continue
    openAgreement(state, setting, dueMs)
    if (complete()) hastenAgreement(state, setting, draft.nowMs)
  }
}

function takeMessage(draft: Draft, message: SignedMessage): void {
  const { state, deps } = draft
  if (!equalBytes(message.context.run, deps.run.id)) return
  try {
    if (message.type === 'registration') return onRegistration(draft, message)
    if (message.type === 'tip') return onTip(draft, message)
    if (message.type === 'founding') {
      if (onFounding(draft, message)) beginAttempt(draft, 'full')
      return
    }
    if (message.type === 'evidence') return onEvidence(draft, message)
    if (message.type === 'order') return onOrder(draft, message)
    if (message.type === 'refusal') return onRefusal(draft, message)
    if (message.type === 'stand-down') return onStandDown(draft, message)
    const way = wayOf(draft, message)
    if (way.to === 'later') return keepForLater(draft, message)
    if (way.to === 'nobody') return
    if (way.to === 'over') return send(draft, [message.sender], way.ending)
    if (way.to === 'link') return takeLink(draft, message)
    if (way.to === 'above') return onChildSum(draft, way.parent, message)
    if (way.to === 'parent') return takeQuestion(draft, way.parent, message)
    const { attempt } = state
    if (attempt === null || attempt.participation === 'probing') return keepForLater(draft, message)
    const place = placeOf(attempt, message)
    if (place === 'later') keepForLater(draft, message)
    else if (place === 'now') takeRoundMessage(draft, attempt, message)
    else if (place === 'elsewhere') refuse(draft, message, 'it was said in another context')
  } catch (error) {
    // A malformed payload is its sender's fault, and no reason to stop.
    refuse(draft, message, (error as Error).message)
  }
}

/** Whether a message belongs to what this peer is doing now. */
function placeOf(attempt: AttemptState, message: SignedMessage): 'now' | 'later' | 'over' | 'elsewhere' {
  const { context } = message
  const ahead =
    context.round > attempt.round || (context.round === attempt.round && context.attempt > attempt.attempt)
  if (ahead) return 'later'
  if (context.round !== attempt.round || context.attempt !== attempt.attempt) return 'over'
  const bytes = Context.encode(context)
  if (equalBytes(bytes, Context.encode(attempt.context))) return 'now'
  if (attempt.rosterContext === null) return 'later'
  return equalBytes(bytes, Context.encode(attempt.rosterContext)) ? 'now' : 'elsewhere'
}

function takeRoundMessage(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  watch(draft, attempt, message)
  const bound = equalBytes(message.context.rosterHash, attempt.rosterContext?.rosterHash ?? new Uint8Array())
  const { type } = message
  if (isQuestion(type) && isAhead(attempt, message)) {
    const known = draft.state.backlog.has(toHex(message.hash))
    keepForLater(draft, message)
    // Its sender has heard what this peer has not. The answer holds the message again.
    if (!known && (type === 'proposal' || type === 'certificate')) askFor(draft, attempt, [message.sender])
    return
  }
  if (type === 'without-secrets') return onWithoutSecrets(attempt, message)
  if (type === 'advertise-keys') return bound ? undefined : onAdvertiseKeys(draft, attempt, message)
  if (isQuestion(type)) return takeQuestion(draft, attempt, message)
  if (!bound) return refuse(draft, message, 'it is not bound to the roster')
  if (type === 'share-keys') return onShareKeys(draft, attempt, message)
  if (type === 'share-ack') return onShareAck(draft, attempt, message)
  // What follows rests on a decision that this peer may not have heard of yet.
  if (type === 'masked-input')
    return attempt.dealers === null ? keepForLater(draft, message) : onMaskedInput(draft, attempt, message)
  if (type === 'inventory')
    return attempt.dealers === null ? keepForLater(draft, message) : onInventory(draft, attempt, message)
  if (type === 'attestation') return onAttestation(draft, attempt, message)
  if (type === 'unmask-bundle') {
    return attempt.survivors === null ? keepForLater(draft, message) : onUnmaskBundle(draft, attempt, message)
  }
}

/** Part of an agreement. */
function isQuestion(type: MessageType): boolean {
  return ['proposal', 'prepare', 'commit', 'certificate', 'new-view'].includes(type)
}

/** The next moment at which time alone changes something. */
function nextWakeAtMs(draft: Draft): number {
  const { state, nowMs, deps } = draft
  const { attempt } = state
  const moments = [membershipWakeAtMs(draft)]
  for (const parent of state.parents) moments.push(...parentMoments(draft, parent))
  if (attempt?.participation === 'probing') moments.push(attempt.probeAtMs)
  else if (attempt !== null && attempt.ending === null) {
    const { viewMs } = deps.run.manifest.deadlines
    const { rosterDueMs, sharesDueMs, inputsDueMs, resultDueMs } = attempt
    moments.push(
      attempt.askAtMs,
      rosterDueMs,
      sharesDueMs,
      sharesDueMs + viewMs / 4,
      inputsDueMs,
      inputsDueMs + viewMs / 4,
      resultDueMs
    )
    for (const subject of SUBJECTS) {
      const setting = settingOf(attempt, subject, deps)
      moments.push(agreementWakeAtMs(attempt.agreements[subject]))
      if (setting !== null) moments.push(settledAtMs(attempt.agreements[subject], setting))
    }
    // When a member that is out of reach stops being waited for.
    for (const peer of attempt.cohort) {
      const reach = state.reach.get(peer)
      if (reach?.connected !== true) moments.push((reach?.sinceMs ?? state.startedAtMs) + viewMs)
    }
  }
  // Never now again: what is due has been done, or waits for something else.
  return Math.min(...moments.filter(moment => moment > nowMs), nowMs + MAX_SLEEP_MS)
}
