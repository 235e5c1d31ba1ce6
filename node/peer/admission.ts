/** Who may start a peer of a run, and whom a running one serves. */

import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import {
  type AdmissionFault,
  admissionWords,
  needsInvitation,
  recordFault
} from '../../protocols/admission.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { redemptionFault } from '../../protocols/invitation.ts'
import { type Redemption, Registration } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { type RunManifest, runId } from '../../protocols/run-manifest.ts'
import { PeerError } from './errors.ts'

/** What a peer that wants to take part shows, and when. */
export interface Asking {
  readonly redemption?: Redemption | undefined
  /** It has been in the run before: whether it still is, the chain says. */
  readonly isKnown?: boolean
  /** By the clock here. */
  readonly nowMs: number
}

/**
 * What can be told without asking anybody.
 * @throws PeerError NOT_ADMITTED, naming the peer, what is wrong, and whom to ask
 */
export function checkAdmission(
  manifest: RunManifest,
  peer: PeerId,
  { redemption, isKnown = false, nowMs }: Asking,
  crypto: Pick<CryptoSuite, 'sha256' | 'ed25519Verify'>
): void {
  const { admission, name, author } = manifest
  if (admission.kind === 'list' && !admission.peers.includes(peer)) {
    throw new PeerError(
      'NOT_ADMITTED',
      { peer, fault: 'not-listed' },
      `admission.peers: the run "${name}" takes listed peers only, and this one, ${peer}, is not among them. Send this ` +
        `id to the author of the run, ${author}`
    )
  }
  if (!needsInvitation(manifest, peer)) return
  if (redemption?.invitation === undefined) {
    if (isKnown) return
    throw notAdmitted(manifest, peer, 'no-invitation')
  }
  const fault = redemptionFault(redemption, peer, { id: runId(manifest, crypto.sha256), author }, crypto)
  if (fault !== null) throw notAdmitted(manifest, peer, fault)
  if (!isKnown && nowMs >= 1000 * redemption.invitation.expiresAtS)
    throw notAdmitted(manifest, peer, 'expired')
}

export function notAdmitted(
  { name, author }: Pick<RunManifest, 'name' | 'author'>,
  peer: PeerId,
  fault: AdmissionFault
): PeerError {
  const message = `the run "${name}" does not let this peer in: ${admissionWords(fault, author)}`
  return new PeerError('NOT_ADMITTED', { peer, fault }, message)
}

/**
 * Whether a peer is served what the run's peers serve each other: members, listed peers, the author, and those who show
 * an invitation that the chain would take. Nobody who was expelled.
 * @param registrations - heard and checked
 */
export function mayTakePart(
  manifest: Pick<RunManifest, 'admission' | 'author'>,
  tip: Pick<ChainTip, 'members' | 'expelled' | 'admission'> | null,
  registrations: ReadonlyMap<PeerId, Pick<SignedMessage, 'payload'>>,
  peer: PeerId
): boolean {
  if (tip?.expelled.includes(peer)) return false
  const { admission, author } = manifest
  if (admission.kind === 'open' || tip?.members.includes(peer)) return true
  if (admission.kind === 'list') return admission.peers.includes(peer)
  if (!needsInvitation({ admission, author }, peer)) return true
  const message = registrations.get(peer)
  if (message === undefined) return false
  const invitation = Registration.decode(message.payload).redemption?.invitation
  if (invitation === undefined) return false
  return tip === null || recordFault(tip.admission, invitation, peer) === null
}
