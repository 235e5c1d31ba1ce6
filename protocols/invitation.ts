/**
 * Invitations: what the author of a run signs and hands to whom it wants in it. Each has a key pair of its own, whose
 * public half is its id. The secret half stays with whoever was invited and signs for one peer: members hear a redemption
 * a hundred times by gossip, and none of them can redeem it for itself.
 */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import { fromBase64Url, toBase64Url } from './base64url.ts'
import { equalBytes, type MessageCodec } from './codec.ts'
import { INVITATION_LABEL, INVITATION_TEXT, MEMBERS_MAX } from './limits.ts'
import { Invitation, InvitationToken, type Redemption } from './messages.js'
import { publicKeyOf } from './peer-id.ts'
import type { PeerId } from './ports.ts'

/** Whoever finds such a text in a mail knows what it is for, and scanners for secrets can look for it. */
export const TOKEN_PREFIX = 'fedpeft-invite-'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** What an author decides about an invitation. */
export interface InvitationTerms {
  /** Run id [32]. */
  readonly run: Uint8Array
  /** Seconds since the Unix epoch. */
  readonly expiresAtS: number
  /** Different peers that it lets in. */
  readonly uses: number
  /** For people; everyone in the run sees it. */
  readonly label: string
}

/**
 * Signs an invitation.
 * @param bearer - of a key pair made for it alone
 * @throws RangeError if the terms are out of bounds
 */
export function createInvitation(terms: InvitationTerms, author: Signer, bearer: Signer): Invitation {
  const unsigned = { ...terms, id: bearer.publicKey, signature: new Uint8Array() }
  if (!isWellFormed(unsigned)) throw new RangeError(`no invitation has such terms: ${JSON.stringify(terms)}`)
  return { ...unsigned, signature: author.sign(signedBytes(unsigned)) }
}

/** Lets one peer in, and no other. @param bearer - with the invitation's own key */
export function redeem(invitation: Invitation, peer: PeerId, bearer: Signer): Redemption {
  return { invitation, proof: bearer.sign(provenBytes(invitation, peer)) }
}

export type RedemptionFault = 'other-run' | 'forged'

/**
 * What is wrong with a redemption by itself, whatever the chain and the clock say; null if nothing is.
 * @param run - its id, and its author
 */
export function redemptionFault(
  { invitation, proof }: Redemption,
  peer: PeerId,
  run: { readonly id: Uint8Array; readonly author: PeerId },
  crypto: Pick<CryptoSuite, 'ed25519Verify'>
): RedemptionFault | null {
  if (invitation === undefined || !isWellFormed(invitation)) return 'forged'
  const fault = invitationFault(invitation, run, crypto)
  if (fault !== null) return fault
  return crypto.ed25519Verify(invitation.id, provenBytes(invitation, peer), proof) ? null : 'forged'
}

/** Likewise of an invitation that nobody has redeemed yet. */
export function invitationFault(
  invitation: Invitation,
  run: { readonly id: Uint8Array; readonly author: PeerId },
  crypto: Pick<CryptoSuite, 'ed25519Verify'>
): RedemptionFault | null {
  if (!equalBytes(invitation.run, run.id)) return 'other-run'
  const isSigned =
    isWellFormed(invitation) &&
    crypto.ed25519Verify(publicKeyOf(run.author), signedBytes(invitation), invitation.signature)
  return isSigned ? null : 'forged'
}

/** The text that a person copies and pastes. @param secret - seed [32] of the invitation's own key */
export function invitationText(invitation: Invitation, secret: Uint8Array): string {
  return TOKEN_PREFIX + toBase64Url(InvitationToken.encode({ invitation, secret }))
}

/** What such a text says, line breaks and spaces aside; null if it is not a whole one. Its signature is not checked. */
export function readInvitationText(text: string): { invitation: Invitation; secret: Uint8Array } | null {
  const bare = text.replaceAll(/\s/g, '')
  if (!bare.startsWith(TOKEN_PREFIX) || bare.length > INVITATION_TEXT) return null
  const bytes = fromBase64Url(bare.slice(TOKEN_PREFIX.length))
  const token = bytes === null ? null : decoded(InvitationToken, bytes)
  if (token?.invitation === undefined || token.secret.length !== KEY_BYTES) return null
  if (!isWellFormed(token.invitation) || token.invitation.signature.length !== SIGNATURE_BYTES) return null
  return { invitation: token.invitation, secret: token.secret }
}

/** @returns null for bytes that are not the canonical encoding of anything */
function decoded<T>(codec: MessageCodec<T>, bytes: Uint8Array): T | null {
  try {
    const message = codec.decode(bytes)
    return equalBytes(codec.encode(message as Partial<T>), bytes) ? message : null
  } catch {
    return null
  }
}

function isWellFormed({ run, id, uses, expiresAtS, label }: Invitation): boolean {
  return (
    run.length === KEY_BYTES &&
    id.length === KEY_BYTES &&
    Number.isInteger(uses) &&
    uses >= 1 &&
    uses <= MEMBERS_MAX &&
    Number.isInteger(expiresAtS) &&
    expiresAtS > 0 &&
    expiresAtS < 2 ** 32 &&
    // It is printed to terminals: no control characters.
    label.length <= INVITATION_LABEL &&
    /^\P{C}*$/u.test(label)
  )
}

function signedBytes(invitation: Invitation): Uint8Array {
  const unsigned = Invitation.encode({ ...invitation, signature: new Uint8Array() })
  return lengthPrefixed('fedpeft/1 invitation', unsigned)
}

function provenBytes({ run, id }: Invitation, peer: PeerId): Uint8Array {
  return lengthPrefixed('fedpeft/1 redemption', run, id, peer)
}
