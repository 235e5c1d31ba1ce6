/** What one round costs one peer on the wire and on the disk, by arithmetic, before anyone has joined. */
import type { AdapterLayout } from '../../../aggregation/adapter-layout.ts'
import { lanesByteLength } from '../../../aggregation/ring.ts'
import { quorumOf } from '../../../protocols/quorum.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import {
  newsBytesOf,
  stateBytesOf,
  verificationBytes,
  verifierCount
} from '../../../protocols/verification-bytes.ts'
import { laneCountOfRound } from '../../peer/round-work.ts'

export interface RoundBytesEstimate {
  /** Members of the cohort that the estimate is for. */
  readonly members: number
  /** One masked input: this peer's change of the adapter. Mean over the kinds of rounds that the strategy has. */
  readonly maskedInputBytes: number
  /** Of them, those who re-add the sum. */
  readonly verifiers: number
  /** The adapter and the server optimizer's moments: what a newcomer pulls. */
  readonly stateBytes: number
  /** On average: a body that many want is passed on by those who have it. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Of one verifier, and of one member that is none (null where everyone verifies), control messages included. */
  readonly verifierReceivedBytes: number
  readonly otherReceivedBytes: number | null
  /** What each member would receive if everyone verified. */
  readonly everyoneReceivedBytes: number
  /** Of `receivedBytes`: keys, shares, votes, links. An estimate; the rest is exact. */
  readonly controlBytes: number
}

/** Type, context (seven fields, five of them hashes), sender and signature of one message. */
const ENVELOPE_BYTES = 340

/** A sealed share (two shares and the tag of AES-GCM), and the hashes of both. */
const SEALED_SHARE_BYTES = 150

/** A reference to a message: index and hash. */
const REFERENCE_BYTES = 38

/** A Shamir share of one secret. */
const SHARE_BYTES = 34

/** Index and Ed25519 signature in a certificate. */
const VOTE_SIGNATURE_BYTES = 70

/** Roster, shares, survivors, result. */
const DECISIONS = 4

/** The factors alternate at most between two rounds. */
const KINDS_OF_ROUNDS = 2

export function roundBytesEstimate(
  manifest: RunManifest,
  runId: Uint8Array,
  layout: AdapterLayout,
  members: number
): RoundBytesEstimate {
  const bytesOf = (completedRounds: number): number => {
    const lanes = laneCountOfRound({ id: runId, manifest }, layout, members, completedRounds)
    return lanesByteLength(manifest.secureSum.ringBits, lanes)
  }
  const kinds = Array.from({ length: KINDS_OF_ROUNDS }, (_, round) => bytesOf(round))
  const maskedInputBytes = Math.round(kinds.reduce((sum, bytes) => sum + bytes, 0) / kinds.length)
  const { secureSum, serverOptimizer } = manifest
  const controlBytes = controlEstimate(members)
  const verifiers = verifierCount(secureSum.verifiers, members)
  const stateBytes = stateBytesOf(layout.length, serverOptimizer.name)
  const { verifier, other, mean } = verificationBytes({
    members,
    verifiers,
    bodyBytes: maskedInputBytes,
    newsBytes: newsBytesOf(manifest, maskedInputBytes, stateBytes)
  })
  const meanBytes = Math.round(mean) + controlBytes
  return {
    members,
    verifiers,
    maskedInputBytes,
    stateBytes,
    sentBytes: meanBytes,
    receivedBytes: meanBytes,
    verifierReceivedBytes: verifier + controlBytes,
    otherReceivedBytes: other === null ? null : other + controlBytes,
    everyoneReceivedBytes: (members - 1) * maskedInputBytes + controlBytes,
    controlBytes
  }
}

/** What a run keeps on the disk: two states of up to three vectors and a third while it is written, the adapter twice, and the chain. */
export function runDiskBytes(adapterLength: number): number {
  const vectorBytes = 4 * adapterLength
  const chainBytes = 256 * 1024
  return 3 * 3 * vectorBytes + 2 * vectorBytes + chainBytes
}

/** Training checkpoints: two of the weights and the two moments of AdamW, and a third while it is written. */
export function checkpointBytes(adapterLength: number): number {
  return 3 * 3 * 4 * adapterLength
}

/** What each of n members hears of the others in a round without faults. Measured: 31 KB with 4 members, 58 KB with 7. */
function controlEstimate(members: number): number {
  const others = members - 1
  const keys = ENVELOPE_BYTES + 100
  const shares = ENVELOPE_BYTES + members * SEALED_SHARE_BYTES
  const acknowledgement = ENVELOPE_BYTES + members * REFERENCE_BYTES
  const header = ENVELOPE_BYTES + 70
  const inventory = ENVELOPE_BYTES + members * REFERENCE_BYTES
  const bundle = ENVELOPE_BYTES + members * SHARE_BYTES
  const votes = 2 * DECISIONS * (ENVELOPE_BYTES + 40)
  const perMember = keys + shares + acknowledgement + header + inventory + bundle + votes
  const certificates = 2 * DECISIONS * (ENVELOPE_BYTES + quorumOf(members) * VOTE_SIGNATURE_BYTES)
  // The first and the third decision carry the messages that they are made of.
  const decisions = members * (keys + header + inventory) + DECISIONS * ENVELOPE_BYTES
  return others * perMember + certificates + decisions
}
