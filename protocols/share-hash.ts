/** Public commitments to the shares that a dealer gives out: a share that does not match was not dealt. */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import type { PeerId } from './ports.ts'

/** The self-mask seed b, or the mask secret key. */
export type SecretKind = 'seed' | 'key'

/** @param index - roster index of whoever the share is for */
export function shareHash(
  kind: SecretKind,
  dealer: PeerId,
  index: number,
  share: Uint8Array,
  crypto: Pick<CryptoSuite, 'sha256'>
): Uint8Array {
  return crypto.sha256(lengthPrefixed('share-hash', kind, dealer, index + 1, share))
}
