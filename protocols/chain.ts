/**
 * The chain of a run: a founding list signed by the author, then one certified link per round (or aborted attempt).
 * Anyone can check it from the manifest alone. A link's hash covers its body, never the signatures, so that two
 * valid sets of signatures do not make two chains.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { type AdmissionRecord, emptyRecord, needsInvitation, recordFault, recordWith } from './admission.ts'
import { certificateHolds, type Subject } from './certificate.ts'
import type { ChainTip, RunContext } from './chain-tip.ts'
import { decodeCanonical, equalBytes } from './codec.ts'
import { beaconOfLink } from './election.ts'
import { openMessage, PROTOCOL_VERSION, verifySignature, ZERO_HASH } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { MEMBERS_MAX } from './limits.ts'
import { checkLinkBody } from './link-body.ts'
import { isSortedSet } from './member-list.ts'
import { CertifiedLink, type Context, Decision, Envelope, Founding, type LinkBody } from './messages.js'
import { pauseOf, reasonOfSubject } from './pause.ts'
import { emptyAccount, privacyTermsOf } from './privacy-account.ts'
import { type OpenRegistration, openRegistration } from './registration.ts'
import { standDownFault } from './stand-down.ts'
import { endAfter, tipAfter } from './tip-after.ts'

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
  const opened = registrations.map(envelope => {
    const registration = openRegistration(Envelope.encode(envelope), run, crypto)
    if (!equalBytes(registration.afterLink, ZERO_HASH))
      throw refuse(`${registration.peer} registered after the founding`)
    return registration
  })
  const members = opened.map(({ peer }) => peer)
  if (!isSortedSet(members)) throw refuse('members are not sorted or appear twice')
  const admission = recordOfFounders(opened, run, refuse)
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
    admission,
    paused: false,
    orderLinks: [linkHash],
    history: []
  }
}

/** Founders may come by invitation too, and count. */
function recordOfFounders(
  founders: readonly OpenRegistration[],
  { manifest }: RunContext,
  refuse: (reason: string) => ProtocolError
): AdmissionRecord {
  return founders.reduce((record, { peer, redemption }) => {
    if (redemption?.invitation === undefined || !needsInvitation(manifest, peer)) return record
    const fault = recordFault(record, redemption.invitation, peer)
    if (fault !== null) throw refuse(`it lets in ${peer} by an invitation that is ${fault}`)
    return recordWith(record, { peer, redemption })
  }, emptyRecord)
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
    ...contextOfTip(tip, run),
    encodingHash: run.encodingHashOf(encodedFor, tip.completedRounds)
  }
}

/** What is said about the run, not in a round, is bound to: where the chain stands, or null before the founding. */
export function contextOfTip(
  tip: Pick<ChainTip, 'linkHash' | 'round' | 'attempt'> | null,
  run: Pick<RunContext, 'id' | 'baseModel'>
): Context {
  return {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: tip?.linkHash ?? ZERO_HASH,
    round: tip?.round ?? 0,
    attempt: tip?.attempt ?? 0,
    rosterHash: ZERO_HASH,
    baseModel: run.baseModel,
    encodingHash: ZERO_HASH
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
  const orders = checkLinkBody(tip, link, run, crypto, refuse)
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
    const isPaused = pauseOf(tip, run.manifest) !== null
    const fault = isPaused ? null : standDownFault(tip, certified.standDowns, run, crypto)
    if (fault !== null) throw refuse(`the run is not paused, and may go on elsewhere: ${fault}`)
    if (isPaused && certified.standDowns.length > 0) throw refuse('nobody need stand down in a paused run')
  } else {
    if (certified.standDowns.length > 0) throw refuse(`nobody stands down for it: it is of kind ${link.kind}`)
    const ofResult = link.kind !== 'abort'
    if ((certificate.subject === 'result') !== ofResult)
      throw refuse(`a ${link.kind} decided as ${certificate.subject}`)
    const reason = link.kind === 'result' ? '' : reasonOfSubject[certificate.subject as Subject]
    if (link.reason !== reason) throw refuse(`a ${link.kind} for another reason than its certificate has`)
    if (!certificateHolds(certificate, 'commit', link.cohort, contextOfLink(link, run), crypto)) {
      throw refuse('its certificate does not hold')
    }
  }
  return { tip: tipAfter(tip, link, linkHash, orders, run, crypto), link, certified }
}
