/** Where a chain stands after a link that has been checked. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { recordWith } from './admission.ts'
import { cohortSizeOf, cohortsAt, treeAt } from './chain-cohorts.ts'
import type { ChainTip, LinkKind, RunContext, RunEnd } from './chain-tip.ts'
import { beaconOfLink, byId } from './election.ts'
import { expelledAfter } from './expulsions.ts'
import { EVIDENCE_LINKS, ORDER_LINKS } from './limits.ts'
import type { LinkBody } from './messages.js'
import { type CarriedOut, withRevoked } from './orders.ts'
import { failuresAfter, leastCohortOf, pauseOf } from './pause.ts'
import { affords, charged, type PrivacyAccount, privacyTermsOf } from './privacy-account.ts'
import { membersThatCount } from './tree-link.ts'

/**
 * How many links a registration stays good for. A newcomer can be dropped for silence two links after the one that
 * brought it in: with three, the registration that it came with (or a replay) is too old by then to bring it back.
 */
const RECENT_LINKS = 3

export function tipAfter(
  tip: ChainTip,
  link: LinkBody,
  linkHash: Uint8Array,
  orders: CarriedOut,
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
    end: orders.ends ? 'author' : endAfter(link.completedRounds, link.members.length, privacy, run),
    expelled: expelledAfter(tip.expelled, link),
    pardon: link.kind === 'reconfiguration' ? { round: tip.round, attempt: tip.attempt } : tip.pardon,
    failures: failuresAfter(tip, link),
    admission: link.admissions.reduce(recordWith, withRevoked(tip.admission, orders)),
    paused: link.kind !== 'reconfiguration' && (tip.paused || orders.pauses),
    orderLinks: [linkHash, ...(link.kind === 'reconfiguration' ? [] : tip.orderLinks)].slice(0, ORDER_LINKS),
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
  if (run.witness !== undefined) {
    // It can only grow.
    return { releases: [], epsilon: Math.max(privacy.epsilon, run.witness.epsilonSpent) }
  }
  const { delta } = privacyTermsOf(run.manifest)!
  return charged(privacy, run.mechanismOf(cohortSizeOf(members.length, run), completedRounds)!, delta)
}

/** Why no round follows, or null. */
export function endAfter(
  completedRounds: number,
  memberCount: number,
  privacy: PrivacyAccount | null,
  run: RunContext
): RunEnd | null {
  if (completedRounds >= run.manifest.rounds) return 'rounds'
  // Too few are left: no round follows before the author has set the members anew.
  if (privacy === null || memberCount < leastCohortOf(run.manifest)) return null
  // Whether the budget holds another round is for those to say who know its noise.
  if (run.witness !== undefined) return null
  const mechanism = run.mechanismOf(cohortSizeOf(memberCount, run), completedRounds)!
  return affords(privacy, mechanism, privacyTermsOf(run.manifest)!) ? null : 'privacy'
}
