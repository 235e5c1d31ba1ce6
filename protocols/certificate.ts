/**
 * Certificates: a quorum of signed votes for one value, packed. A commit certificate is what every decision of a
 * round, and every link of the chain, rests on.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { verifySignature } from './envelope.ts'
import { type Certificate, type Context, Vote } from './messages.js'
import type { PeerId } from './ports.ts'
import { quorumOf } from './quorum.ts'

/** What the cohort agrees on, in the order in which a round comes to it. */
export const SUBJECTS = ['roster', 'shares', 'survivors', 'result'] as const

export type Subject = (typeof SUBJECTS)[number]

export function isSubject(text: string): text is Subject {
  return (SUBJECTS as readonly string[]).includes(text)
}

export type VoteKind = 'prepare' | 'commit'

/** The payload that a vote signs. */
export function votePayload(subject: string, view: number, valueHash: Uint8Array): Uint8Array {
  return Vote.encode({ subject, view, valueHash })
}

/**
 * True if the certificate carries valid votes of a quorum of the cohort, each member once, for what it says.
 * @param cohort - sorted by id; the certificate's indices point into it
 * @param context - the context in which the votes were signed
 */
export function certificateHolds(
  certificate: Certificate,
  kind: VoteKind,
  cohort: readonly PeerId[],
  context: Context,
  crypto: CryptoSuite
): boolean {
  const { subject, view, valueHash, signatures } = certificate
  if (certificate.kind !== kind || !isSubject(subject) || valueHash.length !== 32) return false
  if (signatures.length < quorumOf(cohort.length) || signatures.length > cohort.length) return false
  const payload = votePayload(subject, view, valueHash)
  let lastIndex = -1
  for (const { index, signature } of signatures) {
    // Strictly ascending, so no signer counts twice.
    if (index <= lastIndex || index >= cohort.length) return false
    if (!verifySignature(cohort[index]!, kind, context, payload, signature, crypto)) return false
    lastIndex = index
  }
  return true
}
