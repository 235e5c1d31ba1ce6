/** What a coordinator, which is in no run, can tell of a message that it passes on. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { decodeCanonical } from '../protocols/codec.ts'
import { openMessage, type SignedMessage } from '../protocols/envelope.ts'
import { ProtocolError } from '../protocols/errors.ts'
import { toHex } from '../protocols/hex.ts'
import { Tip } from '../protocols/messages.js'
import type { GossipVerdict } from '../protocols/ports.ts'

export interface Judged {
  readonly verdict: GossipVerdict
  /** Null unless it is accepted. */
  readonly message: SignedMessage | null
}

/** Only what somebody has signed for that run is relayed: the coordinator cannot judge more. */
export function judgeRelayed(run: string, data: Uint8Array, crypto: CryptoSuite): Judged {
  try {
    const message = openMessage(data, crypto)
    return toHex(message.context.run) === run
      ? { verdict: 'accept', message }
      : { verdict: 'reject', message: null }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { verdict: error.code === 'VERSION' ? 'ignore' : 'reject', message: null }
  }
}

/** What its sender says of itself to everyone, or null. */
export function noteOf({ type, payload }: SignedMessage): { height: number; phase: string | null } | null {
  if (type === 'registration') return { height: -1, phase: null }
  if (type !== 'tip') return null
  try {
    const { height, phase } = decodeCanonical(Tip, payload, 'tip')
    return { height, phase: phase.slice(0, 32) }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
