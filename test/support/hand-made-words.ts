/** Words that no machine would say, made by hand with keys that a test holds: more liars than a round can bear. */
import type { AttemptState } from '../../node/round/round-state.ts'
import { type Subject, type VoteKind, votePayload } from '../../protocols/certificate.ts'
import { type SignedMessage, sealMessage } from '../../protocols/envelope.ts'
import {
  type Certificate,
  CertifiedDecision,
  type Context,
  Decision,
  Envelope,
  type SurvivorsDecision
} from '../../protocols/messages.js'
import type { RoundCluster } from './round-cluster.ts'

export interface Certifying {
  readonly kind?: VoteKind
  readonly view?: number
  readonly context?: Context
}

/** The attempt that a member is in. */
export function attemptOf(cluster: RoundCluster, id: string): AttemptState {
  return cluster.peer(id).state.attempt!
}

/** A decision with the votes of these members, who sign whatever they are given. */
export function certifiedBy(
  cluster: RoundCluster,
  signers: readonly string[],
  subject: Subject,
  decision: Uint8Array,
  { kind = 'commit', view = 0, context }: Certifying = {}
): { readonly certificate: Certificate; readonly decision: Uint8Array } {
  const attempt = attemptOf(cluster, signers[0]!)
  const valueHash = cluster.crypto.sha256(decision)
  const payload = votePayload(subject, view, valueHash)
  const said = context ?? (subject === 'roster' ? attempt.context : attempt.rosterContext!)
  const signatures = signers
    .map(peer => ({
      index: attempt.cohort.indexOf(peer),
      signature: sealMessage(kind, said, payload, cluster.peer(peer).member.signer, cluster.crypto).signature
    }))
    .sort((a, b) => a.index - b.index)
  return { certificate: { kind, subject, view, valueHash, signatures }, decision }
}

/** The message in which one of the signers passes it on. */
export function certificateFrom(
  cluster: RoundCluster,
  sender: string,
  certified: { readonly certificate: Certificate; readonly decision: Uint8Array }
): SignedMessage {
  const { signer } = cluster.peer(sender).member
  const { rosterContext, context } = attemptOf(cluster, sender)
  const said = certified.certificate.subject === 'roster' ? context : rosterContext!
  return sealMessage('certificate', said, CertifiedDecision.encode(certified), signer, cluster.crypto)
}

/** A survivor set of the headers of these members (as often as they are named), with all inventories there are. */
export function survivorSetOf(cluster: RoundCluster, peers: readonly string[]): SurvivorsDecision {
  const said = (type: string, sender?: string) =>
    cluster.wire.filter(
      message => message.type === type && (sender === undefined || message.sender === sender)
    )
  const headers = peers.map(peer => Envelope.decode(said('masked-input', peer)[0]!.bytes))
  const inventories = said('inventory').map(({ bytes }) => Envelope.decode(bytes))
  const nextMembers = cluster.run.members.map(({ id }) => id)
  return { proposer: 0, inventories, headers, nextMembers, registrations: [], expulsions: [], orders: [] }
}

export function encodedSet(survivors: SurvivorsDecision): Uint8Array {
  return Decision.encode({ survivors })
}
