import type { SignedMessage } from '../../protocols/envelope.ts'
import type { PeerId } from '../../protocols/ports.ts'

/** Where standing down has come to, in one attempt. */
export interface StandDowns {
  /** The author has asked for it: a member that has just restarted does it once it knows its journal. */
  wanted: boolean
  readonly said: Map<PeerId, SignedMessage>
}
