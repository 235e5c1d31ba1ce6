/**
 * The chain of a run: a founding list signed by the author, then one certified link per round (or aborted attempt).
 * Anyone can check it from the manifest alone. A link's hash covers its body, never the signatures, so that two
 * valid sets of signatures do not make two chains.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import type { Mechanism } from '../aggregation/dp-accountant.ts'
import { certificateHolds, type Subject } from './certificate.ts'
import { checkLength, decodeCanonical, equalBytes } from './codec.ts'
import { beaconOfLink, byId, cohortOf, verifiersOf } from './election.ts'
import { openMessage, PROTOCOL_VERSION, verifySignature, ZERO_HASH } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { expelledAfter, expulsionsFault, withoutExpelled } from './expulsions.ts'
import { COHORT_MAX, EVIDENCE_LINKS, MEMBERS_MAX } from './limits.ts'
import {
  CertifiedLink,
  type Context,
  Decision,
  Envelope,
  type Expulsion,
  Founding,
  type LinkBody
} from './messages.js'
import { type Failure, failuresAfter, leastCohortOf, pauseOf, reasonOfSubject } from './pause.ts'
import { isPeerId } from './peer-id.ts'
import type { PeerId } from './ports.ts'
import { affords, charged, emptyAccount, type PrivacyAccount, privacyTermsOf } from './privacy-account.ts'
import { openRegistration } from './registration.ts'
import type { RunManifest } from './run-manifest.ts'
import { type CohortTree, cohortTree, largestLeafOf, pathOfNode, type TreeShape } from './tree.ts'
import { faultOfFlatLink, faultOfTreeLink, membersThatCount } from './tree-link.ts'
import { verifierCount } from './verification-bytes.ts'

/** Everything about a run that never changes, derived once from its manifest, its base and its adapter layout. */
export interface RunContext {
  /** SHA-256 of the canonical manifest. */
  readonly id: Uint8Array
  readonly manifest: RunManifest
  /** Digest of the frozen base, 32 bytes. */
  readonly baseModel: Uint8Array
  /** Content address of the replicated state before the first round. */
  readonly initialStateHash: Uint8Array
  /** Hash of the encoding of a round with a cohort of this size after this many completed rounds. */
  encodingHashOf(cohortSize: number, completedRounds: number): Uint8Array
  /** The noise of such a round, and what it covers; null in a run without noise. */
  mechanismOf(cohortSize: number, completedRounds: number): Mechanism | null
}

export type LinkKind = 'result' | 'abort' | 'lost' | 'reconfiguration'

/** Why a run is over: all of its rounds are done, or another one would pass its epsilon. */
export type RunEnd = 'rounds' | 'privacy'

/** Where a chain stands: all that the next round builds on. */
export interface ChainTip {
  /** 0 after the founding; one more with every link. */
  readonly height: number
  readonly linkHash: Uint8Array
  /** The next round and attempt. */
  readonly round: number
  readonly attempt: number
  /** Sorted by id. */
  readonly members: readonly PeerId[]
  readonly beacon: Uint8Array
  readonly stateHash: Uint8Array
  readonly completedRounds: number
  /** Members that were in the cohort of the last link with survivors, and not among them. */
  readonly silent: readonly PeerId[]
  /** Hashes of the last links, this one first: a registration must name one of them. */
  readonly recentLinks: readonly Uint8Array[]
  /** What the links so far have spent; null in a run without noise. */
  readonly privacy: PrivacyAccount | null
  /** No round follows: why; else null. */
  readonly end: RunEnd | null
  /** Members that cheated and were expelled: they do not come back by registering. Sorted. */
  readonly expelled: readonly PeerId[]
  /** The attempt at which the author last set the members anew: what was done until then is forgiven. */
  readonly pardon: { readonly round: number; readonly attempt: number } | null
  /** Attempts that came to nothing since the last result, or the last word of the author. */
  readonly failures: readonly Failure[]
  /** The last links, this one first, with the cohorts that made them: for evidence (chain-history.ts). */
  readonly history: readonly PastLink[]
}

export interface PastLink {
  readonly hash: Uint8Array
  readonly previous: Uint8Array
  /** Of one cohort, or the leaves of a larger network. */
  readonly cohorts: ReadonlyArray<readonly PeerId[]>
}

/**
 * How many links a registration stays good for. A newcomer can be dropped for silence two links after the one that
 * brought it in: with three, the registration that it came with (or a replay) is too old by then to bring it back.
 */
const RECENT_LINKS = 3

/** @throws ProtocolError BAD_LINK, BAD_MESSAGE, BAD_SIGNATURE */
export function foundChain(bytes: Uint8Array, run: RunContext, crypto: CryptoSuite): ChainTip {
  const message = openMessage(bytes, crypto)
  const { manifest } = run
  const refuse = (reason: string) =>
    new ProtocolError('BAD_LINK', { height: 0, reason }, `founding list refused: ${reason}`)
  if (message.type !== 'founding') throw refuse(`a ${message.type} message is not a founding list`)
  if (message.sender !== manifest.author)
    throw refuse(`signed by ${message.sender}, not by the author ${manifest.author}`)
  if (!equalBytes(message.context.run, run.id)) throw refuse('made for another run')
  const { registrations } = decodeCanonical(Founding, message.payload, 'founding list')
  if (registrations.length < manifest.cohort.founders) {
    throw refuse(`${registrations.length} registrations, the manifest asks for ${manifest.cohort.founders}`)
  }
  if (registrations.length > MEMBERS_MAX)
    throw refuse(`${registrations.length} members, at most ${MEMBERS_MAX}`)
  const members = registrations.map(envelope => {
    const registration = openRegistration(Envelope.encode(envelope), run, crypto)
    if (!equalBytes(registration.afterLink, ZERO_HASH))
      throw refuse(`${registration.peer} registered after the founding`)
    return registration.peer
  })
  if (!isSortedSet(members)) throw refuse('members are not sorted or appear twice')
  const linkHash = message.hash
  const privacy = privacyTermsOf(manifest) === null ? null : emptyAccount
  return {
    height: 0,
    linkHash,
    round: 0,
    attempt: 0,
    members,
    beacon: beaconOfLink(run.id, 0, linkHash, crypto.sha256),
    stateHash: run.initialStateHash,
    completedRounds: 0,
    silent: [],
    recentLinks: [linkHash],
    privacy,
    end: endAfter(0, members.length, privacy, run),
    expelled: [],
    pardon: null,
    failures: [],
    history: []
  }
}

/** The hash of a link: of the decision that holds its body. */
export function linkHashOf(decision: Uint8Array, crypto: Pick<CryptoSuite, 'sha256'>): Uint8Array {
  return crypto.sha256(decision)
}

/**
 * What everything said in the round that a tip leads to is bound to, until its roster is decided.
 * @param encodedFor - as many inputs can be added without overflow
 */
export function contextOfRound(tip: ChainTip, run: RunContext, encodedFor: number): Context {
  return {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: tip.linkHash,
    round: tip.round,
    attempt: tip.attempt,
    rosterHash: ZERO_HASH,
    baseModel: run.baseModel,
    encodingHash: run.encodingHashOf(encodedFor, tip.completedRounds)
  }
}

/** The context in which the votes for a link were signed. */
export function contextOfLink(link: LinkBody, run: Pick<RunContext, 'id' | 'baseModel'>): Context {
  return {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: link.previous,
    round: link.round,
    attempt: link.attempt,
    rosterHash: link.rosterHash,
    baseModel: run.baseModel,
    encodingHash: link.encodingHash,
    ...(link.node === undefined ? {} : { cohort: link.node })
  }
}

/**
 * Checks a link against the chain before it.
 * @returns the new tip and the link
 * @throws ProtocolError BAD_LINK, BAD_MESSAGE
 */
export function extendChain(
  tip: ChainTip,
  bytes: Uint8Array,
  run: RunContext,
  crypto: CryptoSuite
): { tip: ChainTip; link: LinkBody; certified: CertifiedLink } {
  const certified = decodeCanonical(CertifiedLink, bytes, 'certified link')
  const { decision, certificate } = certified
  const { link } = decodeCanonical(Decision, decision, 'decision')
  const refuse = (reason: string) =>
    new ProtocolError(
      'BAD_LINK',
      { height: tip.height + 1, reason },
      `link ${tip.height + 1} refused: ${reason}`
    )
  if (link === undefined || certificate === undefined) throw refuse('no link or no certificate')
  const linkHash = linkHashOf(decision, crypto)
  if (!equalBytes(certificate.valueHash, linkHash)) throw refuse('the certificate is for something else')
  checkLinkBody(tip, link, run, crypto, refuse)
  if (link.kind === 'reconfiguration') {
    const signature = certificate.signatures[0]?.signature ?? ZERO_HASH
    if (
      certificate.kind !== 'author' ||
      !verifySignature(
        run.manifest.author,
        'reconfiguration',
        contextOfLink(link, run),
        linkHash,
        signature,
        crypto
      )
    ) {
      throw refuse('a reconfiguration must be signed by the author')
    }
  } else {
    const ofResult = link.kind !== 'abort'
    if ((certificate.subject === 'result') !== ofResult)
      throw refuse(`a ${link.kind} decided as ${certificate.subject}`)
    const reason = link.kind === 'result' ? '' : reasonOfSubject[certificate.subject as Subject]
    if (link.reason !== reason) throw refuse(`a ${link.kind} for another reason than its certificate has`)
    if (!certificateHolds(certificate, 'commit', link.cohort, contextOfLink(link, run), crypto)) {
      throw refuse('its certificate does not hold')
    }
  }
  return { tip: tipAfter(tip, link, linkHash, run, crypto), link, certified }
}

/**
 * The member list after a link: without those expelled or silent in two links running, with those newly registered; sorted.
 * @param survivors - of the cohort of this link
 * @param least - from leastCohortOf: the silent stay as long as the list would fall below it; the expelled never do
 */
export function nextMembers(
  tip: ChainTip,
  cohort: readonly PeerId[],
  survivors: readonly PeerId[],
  newcomers: readonly PeerId[],
  least: number,
  expulsions: readonly Expulsion[] = []
): PeerId[] {
  const all = new Set(withoutExpelled([...tip.members, ...newcomers], expulsions))
  const silentAgain = tip.silent.filter(
    peer => all.has(peer) && cohort.includes(peer) && !survivors.includes(peer)
  )
  for (const peer of silentAgain.slice(0, Math.max(0, all.size - least))) all.delete(peer)
  return [...all].sort(byId).slice(0, MEMBERS_MAX)
}

/** The most members that a cohort of the run can come to have. */
export function largestCohortOf(manifest: RunManifest): number {
  const { larger, size } = manifest.cohort
  return larger === 'tree' ? Math.max(size, 2 * leastCohortOf(manifest) - 1) : size
}

function shapeOf(manifest: RunManifest): TreeShape {
  const { size, fanIn } = manifest.cohort
  return { size, fanIn, least: leastCohortOf(manifest) }
}

/** The cohort that certifies the link of the round that a tip leads to: all who take part, or the root of their tree. */
export function cohortAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): PeerId[] {
  const { size, larger } = run.manifest.cohort
  const tree = treeAt(tip, run, crypto)
  if (tree !== null) return [...tree.root.cohort]
  if (larger === 'tree') return [...tip.members].sort(byId)
  return cohortOf(tip.members, tip.beacon, Math.min(size, COHORT_MAX), crypto.sha256)
}

/** The cohorts that train in that round: one, or the leaves of the tree. */
export function cohortsAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): ReadonlyArray<readonly PeerId[]> {
  const leaves = treeAt(tip, run, crypto)?.levels[0]
  return leaves === undefined ? [cohortAt(tip, run, crypto)] : leaves.map(({ cohort }) => cohort)
}

/** The tree of the round that a tip leads to, or null if it is of one cohort. */
export function treeAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): CohortTree | null {
  const shape = shapeOf(run.manifest)
  if (run.manifest.cohort.larger === 'draw' || tip.members.length < 2 * shape.least) return null
  const tree = cohortTree(tip.members, tip.beacon, shape, crypto.sha256)
  return tree.levels.length > 1 ? tree : null
}

/** Who pulls and re-adds the masked inputs of the attempt that a tip leads to: a committee, or the whole cohort; sorted. */
export function verifiersAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): PeerId[] {
  return verifiersIn(cohortAt(tip, run, crypto), tip, run, crypto)
}

/** Likewise of one cohort of that attempt. */
export function verifiersIn(
  cohort: readonly PeerId[],
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): PeerId[] {
  const size = verifierCount(run.manifest.secureSum.verifiers, cohort.length)
  return verifiersOf(cohort, tip.beacon, tip.attempt, size, crypto.sha256)
}

function tipAfter(
  tip: ChainTip,
  link: LinkBody,
  linkHash: Uint8Array,
  run: RunContext,
  crypto: CryptoSuite
): ChainTip {
  // A lost round is over, like a result; an aborted one, and a reconfiguration, lead to another attempt.
  const roundIsOver = link.kind === 'result' || link.kind === 'lost'
  const round = roundIsOver ? tip.round + 1 : tip.round
  const survivors = link.survivors.map(({ peer }) => peer)
  const privacy = accountAfter(tip, link.kind as LinkKind, run)
  const tree = treeAt(tip, run, crypto)
  const heard = tree === null ? link.cohort : membersThatCount(tree, survivors)
  const silent = roundIsOver
    ? [
        ...tip.silent.filter(peer => !heard.includes(peer)),
        ...heard.filter(peer => !survivors.includes(peer))
      ]
    : tip.silent
  return {
    height: link.height,
    linkHash,
    round,
    attempt: roundIsOver ? 0 : tip.attempt + 1,
    members: link.members,
    beacon: link.kind === 'result' ? link.beacon : beaconOfLink(run.id, round, linkHash, crypto.sha256),
    stateHash: link.stateHash,
    completedRounds: link.completedRounds,
    silent: silent.filter(peer => link.members.includes(peer)).sort(byId),
    recentLinks: [linkHash, ...tip.recentLinks].slice(0, RECENT_LINKS),
    privacy,
    end: endAfter(link.completedRounds, link.members.length, privacy, run),
    expelled: expelledAfter(tip.expelled, link),
    pardon: link.kind === 'reconfiguration' ? { round: tip.round, attempt: tip.attempt } : tip.pardon,
    failures: failuresAfter(tip, link),
    history: [
      { hash: linkHash, previous: link.previous, cohorts: cohortsAt(tip, run, crypto) },
      ...tip.history
    ].slice(0, EVIDENCE_LINKS)
  }
}

/**
 * What is spent after a link of that kind (privacy-account.ts says which are charged, and why).
 * @returns null in a run without noise
 */
export function accountAfter(tip: ChainTip, kind: LinkKind, run: RunContext): PrivacyAccount | null {
  const { privacy, members, completedRounds } = tip
  // Nobody trains while the run is paused.
  if (privacy === null || kind === 'abort' || pauseOf(tip, run.manifest) !== null) return privacy
  const { delta } = privacyTermsOf(run.manifest)!
  return charged(privacy, run.mechanismOf(cohortSizeOf(members.length, run), completedRounds)!, delta)
}

function endAfter(
  completedRounds: number,
  memberCount: number,
  privacy: PrivacyAccount | null,
  run: RunContext
): RunEnd | null {
  if (completedRounds >= run.manifest.rounds) return 'rounds'
  // Too few are left: no round follows before the author has set the members anew.
  if (privacy === null || memberCount < leastCohortOf(run.manifest)) return null
  const mechanism = run.mechanismOf(cohortSizeOf(memberCount, run), completedRounds)!
  return affords(privacy, mechanism, privacyTermsOf(run.manifest)!) ? null : 'privacy'
}

/** n of a round with so many members, as cohortAt draws it; in a larger network, of the largest leaf. */
export function cohortSizeOf(memberCount: number, { manifest }: Pick<RunContext, 'manifest'>): number {
  if (manifest.cohort.larger === 'tree') return largestLeafOf(memberCount, shapeOf(manifest))
  return Math.min(memberCount, manifest.cohort.size, COHORT_MAX)
}

function checkLinkBody(
  tip: ChainTip,
  link: LinkBody,
  run: RunContext,
  crypto: CryptoSuite,
  refuse: (reason: string) => ProtocolError
): void {
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
  if (link.kind === 'reconfiguration') {
    if (link.expulsions.length > 0 || link.reason !== '') throw refuse('the author only names the members')
    const least = leastCohortOf(run.manifest)
    if (link.members.length < least) throw refuse(`${least} members are needed at least`)
    return
  }
  if (pauseOf(tip, run.manifest) !== null)
    throw refuse('the run is paused: only its author can go on from here')
  const fault = expulsionsFault(link.expulsions, tip.members)
  if (fault !== null) throw refuse(fault)
  const expelled = expelledAfter(tip.expelled, link)
  if (link.members.some(peer => expelled.includes(peer))) throw refuse('it lets in a peer that was expelled')
  if (link.survivors.some(({ peer }) => link.kind === 'result' && expelled.includes(peer)))
    throw refuse('it counts the input of a peer that it expels')
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
}

function isSortedSet(peers: readonly PeerId[]): boolean {
  return peers.every((peer, i) => isPeerId(peer) && (i === 0 || peers[i - 1]! < peer))
}
