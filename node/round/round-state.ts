/** The state of the round's machine, and how it is copied so that a step never changes the state it was given. */
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import type { AdmissionFault } from '../../protocols/admission.ts'
import { SUBJECTS, type Subject } from '../../protocols/certificate.ts'
import { contextOfRound } from '../../protocols/chain.ts'
import { cohortAt, verifiersIn } from '../../protocols/chain-cohorts.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { contextOfNode } from '../../protocols/cohort-sum.ts'
import { rankMembers } from '../../protocols/election.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import type { Admission, Envelope, Expulsion, ShareKeys, UnmaskBundle } from '../../protocols/messages.js'
import type { AuthorOrder, HeldOrder } from '../../protocols/orders.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'
import { type CohortTree, leafOf } from '../../protocols/tree.ts'
import { type AgreementSetting, copyAgreement, newAgreement } from './agreement.ts'
import type { Assembly, TreePlace } from './assembly.ts'
import { type BlameState, copyBlame } from './blame-state.ts'
import { type Electorate, electorate, leadersOf } from './electorate.ts'
import type { Participation } from './release-rules.ts'
import type { Effect, RoundDeps, RoundOutcome, RoundPhase } from './round-types.ts'
import type { StandDowns } from './stand-downs.ts'
import { copyParent, type ParentState } from './tree/parent-state.ts'
import { votingRules } from './voting-rules.ts'

/** One member of the decided roster; its place in the list is its roster index, index + 1 its Shamir point. */
export interface RosterEntry {
  readonly peer: PeerId
  readonly maskKey: Uint8Array
  readonly encryptionKey: Uint8Array
  readonly selfSeedHash: Uint8Array
}

/** Fresh in every attempt, never on disk, erased when the attempt ends. */
export interface Secrets {
  readonly maskSecret: Uint8Array
  readonly encryptionSecret: Uint8Array
  /** b. */
  readonly selfSeed: Uint8Array
}

export interface SharePair {
  /** Of the dealer's b. */
  readonly seedShare: Uint8Array
  /** Of the dealer's mask secret key. */
  readonly keyShare: Uint8Array
}

export interface SurvivorEntry {
  readonly peer: PeerId
  readonly address: Uint8Array
  readonly lengthBytes: number
  /** Members whose inventories list it. */
  readonly holders: readonly PeerId[]
}

export interface AttemptState extends Assembly {
  readonly kind: 'cohort'
  readonly tip: ChainTip
  /** Who pulls and re-adds the masked inputs; q of them attest the result to the others. */
  readonly verifiers: Electorate
  /** The leaf that this cohort is in a larger network; null where it is all there is. */
  readonly place: TreePlace | null
  /** Of a leaf, what it has certified: its sum, or that it came to none. Null before. */
  ending: SignedMessage | null
  /** Inputs of this round are encoded so that as many of them can be added. */
  readonly encodedFor: number
  /** Of a leaf: when members whose keys are not here are asked for them again. */
  askAtMs: number
  secrets: Secrets | null
  /** When the roster, the shares and the survivors may be proposed with less than everything. */
  rosterDueMs: number
  sharesDueMs: number
  inputsDueMs: number
  resultDueMs: number
  /** Members that said they lost their secrets: nothing that needs them is waited for. */
  readonly withoutSecrets: Set<PeerId>
  readonly advertised: Map<PeerId, SignedMessage>
  roster: readonly RosterEntry[] | null
  readonly shareMessages: Map<
    PeerId,
    { readonly message: SignedMessage; readonly shares: ShareKeys['shares'] }
  >
  readonly goodShares: Map<PeerId, SharePair>
  readonly badShares: Set<PeerId>
  readonly acks: Map<PeerId, SignedMessage>
  ackedDealers: number
  /** U2, in roster order. */
  dealers: readonly PeerId[] | null
  training: 'none' | 'running' | 'done' | 'failed'
  readonly headers: Map<PeerId, SignedMessage>
  readonly equivocators: Set<PeerId>
  readonly held: Set<PeerId>
  readonly inventories: Map<PeerId, SignedMessage>
  listedBodies: number
  /** In roster order. */
  survivors: readonly SurvivorEntry[] | null
  nextMembers: readonly PeerId[]
  /** Of the decision on survivors, as the next two. */
  expulsions: readonly Expulsion[]
  admissions: readonly Admission[]
  orders: readonly Envelope[]
  released: boolean
  readonly bundles: Map<PeerId, UnmaskBundle>
  unmasking: 'none' | 'running' | 'done' | 'failed'
  readonly attestations: Map<PeerId, SignedMessage>
  /** This peer, not of the committee, has begun to verify all the same. */
  standsIn: boolean
  /** The survivors' seeds, in roster order, once recovered. */
  seeds: readonly Uint8Array[] | null
  outcome: RoundOutcome | null
  /** What this peer itself came to. */
  ownResult: { readonly decision: Uint8Array } | null
  readonly standDowns: StandDowns
  /** Views whose leader has been told this peer's acks and inventories, by subject. */
  readonly told: Map<Subject, number>
}

export interface RunState {
  phase: RoundPhase
  /** Phase and height that were last announced. */
  phaseKey: string
  tip: ChainTip | null
  attempt: AttemptState | null
  /** The tree of the round that the tip leads to; null where it is of one cohort. */
  tree: CohortTree | null
  /** The parent cohorts of that tree which this peer is in. */
  parents: readonly ParentState[]
  /** This peer's own registration: the nonce stays, the link it names moves on. */
  readonly nonce: Uint8Array
  readonly registrations: Map<PeerId, SignedMessage>
  /** Peers whose registration is of no use, why, and when they were told. */
  readonly turnedAway: Map<PeerId, { readonly fault: AdmissionFault; readonly toldAtMs: number }>
  /** As what this peer itself was turned away last. */
  refusedAs: string | null
  /** The author's, by orderKey: heard, and in no link yet. */
  readonly orders: Map<string, HeldOrder>
  /** Of the author's own machine: what its person wants done. */
  ownOrders: readonly AuthorOrder[]
  /** Reachability of other peers and since when. */
  readonly reach: Map<PeerId, { readonly connected: boolean; readonly sinceMs: number }>
  readonly startedAtMs: number
  heartbeatAtMs: number
  /** A longer chain was heard of. */
  behind: { readonly peer: PeerId; readonly height: number; readonly sinceMs: number } | null
  syncAtMs: number
  /** A link that this peer has committed and whose state it still waits for. */
  awaited: Uint8Array | null
  /** Messages whose round, attempt or roster is still to come. */
  readonly backlog: Map<string, SignedMessage>
  readonly blame: BlameState
  /** Who was missing when the last attempt was given up. */
  missing: readonly PeerId[]
  wakeAtMs: number
}

/** One step at work: a private copy of the state, and what it asks for. */
export interface Draft {
  readonly state: RunState
  readonly deps: RoundDeps
  readonly nowMs: number
  readonly effects: Effect[]
  /** Messages to take in before the step ends: one's own, and those that a decision made readable. */
  readonly inbox: SignedMessage[]
}

export function copyState(state: RunState): RunState {
  const { attempt } = state
  return {
    ...state,
    registrations: new Map(state.registrations),
    turnedAway: new Map(state.turnedAway),
    orders: new Map(state.orders),
    reach: new Map(state.reach),
    backlog: new Map(state.backlog),
    blame: copyBlame(state.blame),
    attempt: attempt === null ? null : copyAttempt(attempt),
    parents: state.parents.map(copyParent)
  }
}

function copyAttempt(attempt: AttemptState): AttemptState {
  return {
    ...attempt,
    transcript: new Map(attempt.transcript),
    transcriptBytes: new Map(attempt.transcriptBytes),
    withoutSecrets: new Set(attempt.withoutSecrets),
    advertised: new Map(attempt.advertised),
    shareMessages: new Map(attempt.shareMessages),
    goodShares: new Map(attempt.goodShares),
    badShares: new Set(attempt.badShares),
    acks: new Map(attempt.acks),
    headers: new Map(attempt.headers),
    equivocators: new Set(attempt.equivocators),
    held: new Set(attempt.held),
    inventories: new Map(attempt.inventories),
    said: new Map(attempt.said),
    bundles: new Map(attempt.bundles),
    attestations: new Map(attempt.attestations),
    standDowns: { ...attempt.standDowns, said: new Map(attempt.standDowns.said) },
    told: new Map(attempt.told),
    agreements: {
      roster: copyAgreement(attempt.agreements.roster),
      shares: copyAgreement(attempt.agreements.shares),
      survivors: copyAgreement(attempt.agreements.survivors),
      result: copyAgreement(attempt.agreements.result)
    }
  }
}

/** The attempt that a tip leads to, or null if this peer is not in its cohort (or any of the tree's leaves). */
export function newAttempt(
  tip: ChainTip,
  tree: CohortTree | null,
  deps: RoundDeps,
  participation: Participation,
  nowMs: number
): AttemptState | null {
  const { run, crypto } = deps
  const node = tree === null ? null : leafOf(tree, deps.self)
  const cohort = node?.cohort ?? cohortAt(tip, run, crypto)
  if (!cohort.includes(deps.self)) return null
  const { round, attempt } = tip
  const verifiers = electorate(verifiersIn(cohort, tip, run, crypto))
  const encodedFor = tree?.largestLeaf ?? cohort.length
  const context = contextOfRound(tip, run, encodedFor)
  return {
    kind: 'cohort',
    tip,
    place: tree === null || node === null ? null : { tree, node },
    ending: null,
    encodedFor,
    round,
    attempt,
    cohort,
    ranked: rankMembers(cohort, tip.beacon, attempt, crypto.sha256),
    quorum: quorumOf(cohort.length),
    faults: faultsOf(cohort.length),
    verifiers,
    electorates: {
      roster: electorate(cohort),
      shares: electorate(cohort),
      survivors: electorate(cohort),
      // Whoever verifies has a result to propose.
      result: electorate(cohort, verifiers.voters)
    },
    context: node === null ? context : contextOfNode(context, node),
    rosterContext: null,
    participation,
    probeAtMs: nowMs,
    askAtMs: nowMs,
    secrets: null,
    transcript: new Map(),
    transcriptBytes: new Map(),
    rosterDueMs: nowMs + run.manifest.deadlines.keysMs,
    sharesDueMs: Number.POSITIVE_INFINITY,
    inputsDueMs: Number.POSITIVE_INFINITY,
    resultDueMs: Number.POSITIVE_INFINITY,
    withoutSecrets: new Set(),
    advertised: new Map(),
    roster: null,
    shareMessages: new Map(),
    goodShares: new Map(),
    badShares: new Set(),
    acks: new Map(),
    ackedDealers: 0,
    dealers: null,
    training: 'none',
    headers: new Map(),
    equivocators: new Set(),
    held: new Set(),
    inventories: new Map(),
    listedBodies: 0,
    said: new Map(),
    survivors: null,
    nextMembers: [],
    expulsions: [],
    admissions: [],
    orders: [],
    released: false,
    bundles: new Map(),
    unmasking: 'none',
    attestations: new Map(),
    standsIn: false,
    seeds: null,
    outcome: null,
    ownResult: null,
    agreements: {
      roster: newAgreement(),
      shares: newAgreement(),
      survivors: newAgreement(),
      result: newAgreement()
    },
    firstRank: {},
    standDowns: { wanted: false, said: new Map() },
    told: new Map()
  }
}

/**
 * What an agreement stands on, or null while the roster that its votes are bound to is open.
 * Its first leader is the rank that proposed the decision before it, so a dead aggregator is not asked again.
 */
export function settingOf(attempt: Assembly, subject: Subject, deps: RoundDeps): AgreementSetting | null {
  const context = subject === 'roster' ? attempt.context : attempt.rosterContext
  if (context === null) return null
  const { voters, quorum, faults } = attempt.electorates[subject]
  return {
    subject,
    voters,
    leaders: leadersOf(attempt.electorates[subject], attempt.ranked, firstRankOf(attempt, subject)),
    quorum,
    faults,
    self: deps.self,
    context,
    viewMs: deps.run.manifest.deadlines.viewMs,
    crypto: deps.crypto,
    rules: votingRules
  }
}

function firstRankOf(attempt: Assembly, subject: Subject): number {
  const before = SUBJECTS[SUBJECTS.indexOf(subject) - 1]
  return before === undefined ? 0 : (attempt.firstRank[before] ?? 0)
}

/** False where everyone verifies: then nobody needs to be told. */
export function hasCommittee({ verifiers, cohort }: AttemptState): boolean {
  return verifiers.voters.length < cohort.length
}

/** True if the peer pulls and re-adds the masked inputs. */
export function isVerifier({ verifiers }: AttemptState, peer: PeerId): boolean {
  return verifiers.voters.includes(peer)
}

/** True if this peer has a vote in the agreement; else it only follows the certificates. */
export function isVoter({ voters, self }: AgreementSetting): boolean {
  return voters.includes(self)
}

/** Votes, keys and shares are only for those who know what they said before. */
export function maySpeak(attempt: Assembly): boolean {
  return attempt.participation === 'full' || attempt.participation === 'voter'
}

/** True if waiting for the peer is no use: it has been out of reach for long, or has said that it lost its secrets. */
export function isAbsent(draft: Draft, peer: PeerId): boolean {
  if (draft.state.attempt?.withoutSecrets.has(peer)) return true
  if (peer === draft.deps.self) return false
  const { connected, sinceMs } = draft.state.reach.get(peer) ?? {
    connected: false,
    sinceMs: draft.state.startedAtMs
  }
  return !connected && draft.nowMs - sinceMs >= draft.deps.run.manifest.deadlines.viewMs
}

/** Everyone of these has given it, or has lost the secrets for it. */
export function allGiven(
  attempt: AttemptState,
  peers: readonly PeerId[],
  given: ReadonlyMap<PeerId, unknown>
): boolean {
  return peers.every(peer => given.has(peer) || attempt.withoutSecrets.has(peer))
}

/** Public data that a share's ciphertext is bound to. */
export function shareAssociatedData(context: Uint8Array, from: number, to: number): Uint8Array {
  return lengthPrefixed(context, from, to, to + 1)
}
