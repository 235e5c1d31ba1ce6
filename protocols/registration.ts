/** A peer says that it wants to be a member. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { type AdmissionRun, admissionWords, askingFault } from './admission.ts'
import { checkLength, decodeCanonical, equalBytes } from './codec.ts'
import { openMessage } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { type Redemption, Registration } from './messages.js'
import type { PeerId } from './ports.ts'

/** As much of a RunContext as a registration is checked against. */
export interface RegistrationRun extends AdmissionRun {
  readonly baseModel: Uint8Array
}

export interface OpenRegistration {
  readonly peer: PeerId
  readonly nonce: Uint8Array
  readonly afterLink: Uint8Array
  /** What the peer shows to be let in. */
  readonly redemption: Redemption | undefined
}

/**
 * Checks a registration by itself: form, signature, run, base model, admission.
 * @throws ProtocolError BAD_MESSAGE, BAD_SIGNATURE; BAD_LINK with a reason that a person can act on; NOT_ADMITTED
 */
export function openRegistration(
  bytes: Uint8Array,
  run: RegistrationRun,
  crypto: CryptoSuite
): OpenRegistration {
  const message = openMessage(bytes, crypto)
  const refuse = (reason: string) =>
    new ProtocolError(
      'BAD_LINK',
      { reason, peer: message.sender },
      `registration of ${message.sender} refused: ${reason}`
    )
  if (message.type !== 'registration') throw refuse(`it is a ${message.type} message`)
  if (!equalBytes(message.context.run, run.id)) throw refuse('made for another run')
  if (!equalBytes(message.context.baseModel, run.baseModel)) throw refuse('it has another base model')
  const { nonce, afterLink, redemption } = decodeCanonical(Registration, message.payload, 'registration')
  checkLength(nonce, 32, 'nonce')
  checkLength(afterLink, 32, 'afterLink')
  const fault = askingFault(run, message.sender, redemption, crypto)
  if (fault !== null) {
    const why = admissionWords(fault, run.manifest.author)
    throw new ProtocolError(
      'NOT_ADMITTED',
      { peer: message.sender, fault },
      `registration of ${message.sender} refused: ${why}`
    )
  }
  return { peer: message.sender, nonce, afterLink, redemption }
}
