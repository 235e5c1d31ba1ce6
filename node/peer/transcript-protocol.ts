/** `/fedpeft/transcript/1`: what a member holds of one attempt, for members that missed some of it. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { toHex } from '../../protocols/hex.ts'
import {
  COHORT_MAX,
  FRAME_BYTES,
  GOSSIP_MESSAGE_BYTES,
  REQUEST_BODY_BYTES,
  REQUEST_TIMEOUT_MS
} from '../../protocols/limits.ts'
import { TranscriptRequest } from '../../protocols/messages.js'
import type { Clock, Network, PeerId } from '../../protocols/ports.ts'
import { TRANSCRIPT_PROTOCOL } from '../../protocols/run-protocols.ts'
import type { AttemptId } from './journal-store.ts'
import { readFrames } from './waiting.ts'

/** Each of 64 members says some ten things in a view, and there are a few views. */
const FRAMES_MAX = 64 * COHORT_MAX

const BYTES_MAX = 128 * GOSSIP_MESSAGE_BYTES

/** @returns a function that stops serving */
export function serveTranscript(
  network: Network,
  run: RunContext,
  held: (id: AttemptId, cohort: string | undefined) => readonly SignedMessage[],
  allow: (peer: PeerId) => boolean
): () => void {
  return network.serve(TRANSCRIPT_PROTOCOL, REQUEST_BODY_BYTES, async function* (from, body) {
    const request = decodeCanonical(TranscriptRequest, body, 'transcript request')
    if (!allow(from) || !equalBytes(request.run, run.id)) return
    for (const message of held(request, request.cohort)) yield message.bytes
  })
}

/**
 * Asks members at the same time for what they hold of an attempt. Whoever does not answer in time, or answers with
 * anything but signed messages of that attempt, has not answered.
 */
export async function gatherTranscript(
  ports: { readonly network: Network; readonly clock: Clock; readonly crypto: CryptoSuite },
  run: RunContext,
  { round, attempt, cohort }: AttemptId & { readonly cohort?: string | undefined },
  members: readonly PeerId[]
): Promise<{ readonly transcript: readonly SignedMessage[]; readonly answers: number }> {
  const { network, clock, crypto } = ports
  const of = { run: run.id, round, attempt }
  const body = TranscriptRequest.encode(cohort === undefined ? of : { ...of, cohort })
  const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: FRAME_BYTES }
  const limits = { frames: FRAMES_MAX, bytes: BYTES_MAX, withinMs: REQUEST_TIMEOUT_MS }
  const transcript = new Map<string, SignedMessage>()
  let answers = 0
  await Promise.all(
    members.map(async member => {
      try {
        const frames = await readFrames(
          network.request(member, TRANSCRIPT_PROTOCOL, body, options),
          limits,
          clock
        )
        const messages = frames.map(frame => openOf(run, { round, attempt }, frame, transcript, crypto))
        for (const message of messages) transcript.set(toHex(message.hash), message)
        answers++
      } catch (error) {
        // Unreachable, late or lying: it counts as one that did not answer.
        const isNoMessage = error instanceof ProtocolError && error.code !== 'VERSION'
        if (isNoMessage) network.blame?.(member, `a transcript of anything: ${error.message}`)
      }
    })
  )
  return { transcript: [...transcript.values()], answers }
}

function openOf(
  run: RunContext,
  { round, attempt }: AttemptId,
  frame: Uint8Array,
  known: ReadonlyMap<string, SignedMessage>,
  crypto: CryptoSuite
): SignedMessage {
  // Most members hold the same messages: one signature check for all of them.
  const before = known.get(toHex(crypto.sha256(frame)))
  if (before !== undefined) return before
  const message = openMessage(frame, crypto)
  const { context } = message
  if (!equalBytes(context.run, run.id) || context.round !== round || context.attempt !== attempt) {
    throw new RangeError(`expected a message of round ${round}, attempt ${attempt}`)
  }
  return message
}
