/** The names under which the peers of one run talk. The number is the protocol's major version. */
import { toHex } from './hex.ts'

/**
 * Everything that is signed and for everyone: registrations, tips, links; and, in a run of one cohort, its keys, shares,
 * headers, bundles and certificates.
 */
export function topicOfRun(run: Uint8Array): string {
  return `fedpeft/1/run/${toHex(run)}`
}

/** What one cohort of a larger network has to say to itself. @param path - from pathOfNode */
export function topicOfCohort(run: Uint8Array, path: string): string {
  return `${topicOfRun(run)}/cohort/${path}`
}

/** One envelope to one peer; the answer is empty. */
export const MESSAGE_PROTOCOL = '/fedpeft/message/1'

/** TranscriptRequest; the answer is one frame for each envelope of that attempt that the peer holds. */
export const TRANSCRIPT_PROTOCOL = '/fedpeft/transcript/1'

/** ChainRequest; the answer is the records from that height on, one frame each, the founding list being height 0. */
export const CHAIN_PROTOCOL = '/fedpeft/chain/1'
