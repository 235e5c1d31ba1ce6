/**
 * Who may become a member, by what the manifest says and the chain has counted. Nothing here looks at a clock: whether an
 * invitation has expired is for those who propose and vote (node/round/newcomers.ts), never for those who check a chain.
 * docs/admission.md.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { toHex } from './hex.ts'
import { redemptionFault } from './invitation.ts'
import { ADMISSIONS_PER_LINK, REDEMPTIONS_MAX } from './limits.ts'
import type { Admission, Invitation, Redemption } from './messages.js'
import type { PeerId } from './ports.ts'
import type { RunManifest } from './run-manifest.ts'

/** Why a peer is not let in. */
export const ADMISSION_FAULTS = [
  'not-listed', // the run takes listed peers only
  'no-invitation', // the run takes listed peers and invited ones, and this one shows no invitation
  'other-run', // its invitation is for another run
  'forged', // its invitation is not signed by the author, or was made out to another peer
  'expired', // by the clock of whoever says so
  'used-up', // as many other peers as it lets in have redeemed it
  'revoked', // by the author
  'full', // the chain remembers no more redemptions
  'expelled' // it cheated
] as const

export type AdmissionFault = (typeof ADMISSION_FAULTS)[number]

export function isAdmissionFault(text: string): text is AdmissionFault {
  return (ADMISSION_FAULTS as readonly string[]).includes(text)
}

/** What a chain remembers of invitations. */
export interface AdmissionRecord {
  /** Invitation id (hexadecimal) -> the peers that it let in. A peer that comes back is not counted again. */
  readonly redeemed: ReadonlyMap<string, ReadonlyMap<PeerId, Admission>>
  /** How many there are in all. */
  readonly redemptions: number
  /** Invitation id -> the encoded order that revoked it. */
  readonly revoked: ReadonlyMap<string, Uint8Array>
}

export const emptyRecord: AdmissionRecord = { redeemed: new Map(), redemptions: 0, revoked: new Map() }

/** As much of a run as an admission is checked against. */
export interface AdmissionRun {
  readonly id: Uint8Array
  readonly manifest: Pick<RunManifest, 'admission' | 'author'>
}

/** True if the peer gets in by an invitation or not at all. */
export function needsInvitation({ admission, author }: AdmissionRun['manifest'], peer: PeerId): boolean {
  return admission.kind === 'invitation' && peer !== author && !admission.peers.includes(peer)
}

/**
 * Why a peer that asks for it may not become a member, by the manifest and its invitation alone; null if it may.
 * @param redemption - what it shows
 */
export function askingFault(
  run: AdmissionRun,
  peer: PeerId,
  redemption: Redemption | undefined,
  crypto: Pick<CryptoSuite, 'ed25519Verify'>
): AdmissionFault | null {
  const { admission, author } = run.manifest
  if (admission.kind === 'list') return admission.peers.includes(peer) ? null : 'not-listed'
  if (!needsInvitation(run.manifest, peer)) return null
  if (redemption === undefined) return 'no-invitation'
  return redemptionFault(redemption, peer, { id: run.id, author }, crypto)
}

/** Why an invitation lets a peer in no more, by what the chain has counted; null if it does. */
export function recordFault(
  { redeemed, redemptions, revoked }: AdmissionRecord,
  { id, uses }: Pick<Invitation, 'id' | 'uses'>,
  peer: PeerId
): 'revoked' | 'used-up' | 'full' | null {
  const key = toHex(id)
  if (revoked.has(key)) return 'revoked'
  const peers = redeemed.get(key)
  if (peers?.has(peer)) return null
  if ((peers?.size ?? 0) >= uses) return 'used-up'
  return redemptions >= REDEMPTIONS_MAX ? 'full' : null
}

/** True if the chain has let the peer in by this invitation before. */
export function hasRedeemed(
  { redeemed }: AdmissionRecord,
  { id }: Pick<Invitation, 'id'>,
  peer: PeerId
): boolean {
  return redeemed.get(toHex(id))?.has(peer) ?? false
}

/** After one more admission, which has been checked. */
export function recordWith(record: AdmissionRecord, admission: Admission): AdmissionRecord {
  const { peer, redemption } = admission
  const { invitation } = redemption!
  if (hasRedeemed(record, invitation!, peer)) return record
  const key = toHex(invitation!.id)
  const peers = new Map(record.redeemed.get(key)).set(peer, admission)
  return {
    ...record,
    redeemed: new Map(record.redeemed).set(key, peers),
    redemptions: record.redemptions + 1
  }
}

/**
 * Why a list of admissions does not account for the newcomers of a link, or null.
 * @param record - with the orders of the same link carried out: what it revokes lets nobody in
 * @param newcomers - members after the link and not before it
 */
export function admissionsFault(
  record: AdmissionRecord,
  admissions: readonly Admission[],
  newcomers: readonly PeerId[],
  run: AdmissionRun,
  crypto: Pick<CryptoSuite, 'ed25519Verify'>
): string | null {
  if (admissions.length > ADMISSIONS_PER_LINK) return `more than ${ADMISSIONS_PER_LINK} admissions`
  let counted = record
  for (const [i, admission] of admissions.entries()) {
    const { peer, redemption } = admission
    if (i > 0 && admissions[i - 1]!.peer >= peer) return 'its admissions are not sorted by peer'
    if (!newcomers.includes(peer) || !needsInvitation(run.manifest, peer))
      return `it admits ${peer.slice(0, 64)}, who needs no admission`
    const fault =
      askingFault(run, peer, redemption, crypto) ?? recordFault(counted, redemption!.invitation!, peer)
    if (fault !== null) return `it admits ${peer} by an invitation that is ${fault}`
    counted = recordWith(counted, admission)
  }
  for (const peer of newcomers) {
    const { admission } = run.manifest
    if (admission.kind === 'list' && !admission.peers.includes(peer))
      return `it lets in ${peer}, who is not on the admission list`
    if (needsInvitation(run.manifest, peer) && !admissions.some(admission => admission.peer === peer))
      return `it lets in ${peer} without an invitation`
  }
  return null
}

/** What a person who is not let in should know and do. */
export function admissionWords(fault: AdmissionFault, author: PeerId): string {
  const askFor = `ask the author of the run, ${author}, for a new one (fedpeft-node invite create)`
  const words: Readonly<Record<AdmissionFault, string>> = {
    'not-listed': `it takes listed peers only, and this one is not among them: send its id to the author, ${author}`,
    'no-invitation': `it takes invited peers only: ask its author, ${author}, for an invitation and give it with --invitation`,
    'other-run': `the invitation is for another run: look for the one that belongs to this run, or ${askFor}`,
    forged: `the invitation is not whole, was not signed by the author, or was made out to another peer: ${askFor}`,
    expired: `the invitation has expired: ${askFor}`,
    'used-up': `the invitation is used up, others have come by it: ${askFor}`,
    revoked: `the author has revoked the invitation: ${askFor}`,
    full: `it has let in as many invited peers as a run can; the author, ${author}, can begin another`,
    expelled: `this peer was expelled from it; only the author, ${author}, can let it in again`
  }
  return words[fault]
}
