/** What is said in the model, as short words, and the plain data that agreement.ts takes and gives for it. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { AgreementSetting } from '../../node/round/agreement.ts'
import type { VotingRules } from '../../node/round/voting-rules.ts'
import type { VoteKind } from '../../protocols/certificate.ts'
import { PROTOCOL_VERSION, type SignedMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Certificate, Context } from '../../protocols/messages.js'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'
import { numberedPeer } from '../support/manifests.ts'

/**
 * Survivors: two different sets, or an abort. Result: what the honest compute, a loss, or a wrong result that only a
 * liar proposes.
 */
export type Value = 'A' | 'B' | 'ABORT' | 'RESULT' | 'LOST' | 'WRONG'

export const VALUES: readonly Value[] = ['A', 'B', 'ABORT', 'RESULT', 'LOST', 'WRONG']

/** A prepare certificate as a new-view reports it. */
export interface Lock {
  readonly view: number
  readonly value: Value
}

export const COHORT = [1, 2, 3, 4].map(numberedPeer).sort()
export const SIZE = COHORT.length
export const QUORUM = quorumOf(SIZE)
export const FAULTS = faultsOf(SIZE)
/** Shares that open a secret. */
export const THRESHOLD = QUORUM

export const decisionOf = (value: Value): Uint8Array => Uint8Array.of(VALUES.indexOf(value))
export const hashOf = (value: Value): Uint8Array => new Uint8Array(32).fill(VALUES.indexOf(value))

const valueNamedHex = new Map(VALUES.map(value => [toHex(hashOf(value)), value]))
export const valueNamed = (hash: Uint8Array | string): Value =>
  valueNamedHex.get(typeof hash === 'string' ? hash : toHex(hash))!

/** Votes exist in the model only if they were cast: nobody forges, so every signature shown is good. */
const crypto = {
  sha256: (bytes: Uint8Array) => new Uint8Array(32).fill(bytes[0]!),
  ed25519Verify: () => true
} as unknown as CryptoSuite

const context: Context = {
  version: PROTOCOL_VERSION,
  run: ZERO_HASH,
  previousLink: ZERO_HASH,
  round: 0,
  attempt: 0,
  rosterHash: ZERO_HASH,
  baseModel: ZERO_HASH,
  encodingHash: ZERO_HASH
}

export type AgreementSubject = 'survivors' | 'result'

/** @param leaders - places in the cohort, the leader of view 0 first */
export function settingOf(
  subject: AgreementSubject,
  self: number,
  leaders: readonly number[],
  rules: VotingRules
): AgreementSetting {
  return {
    subject,
    voters: COHORT,
    leaders: leaders.map(place => COHORT[place]!),
    quorum: QUORUM,
    faults: FAULTS,
    self: COHORT[self]!,
    context,
    viewMs: 1,
    crypto,
    rules
  }
}

/** @param signers - places in the cohort, ascending */
export function certificateOf(
  subject: AgreementSubject,
  kind: VoteKind,
  { view, value }: Lock,
  signers: readonly number[]
): Certificate {
  const signatures = signers.map(index => ({ index, signature: new Uint8Array(64) }))
  return { kind, subject, view, valueHash: hashOf(value), signatures }
}

/** Only its sender counts: what it says travels beside it, opened. */
export function messageFrom(place: number): SignedMessage {
  const none = new Uint8Array()
  const sender = COHORT[place]!
  return { type: 'new-view', context, payload: none, sender, signature: none, bytes: none, hash: none }
}

export function lockText(lock: Lock | null): string {
  return lock === null ? 'no lock' : `locked on ${lock.value} of view ${lock.view}`
}
