import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { ProtocolError } from './errors.ts'
import { toHex } from './hex.ts'
import { runId } from './run-manifest.ts'
import { verifyManifest } from './signed-manifest.ts'

/** The check that a registry of offered runs makes of each. @returns the run id, or null for what nobody should see */
export function offeredRunOf(
  bytes: Uint8Array,
  crypto: Pick<CryptoSuite, 'ed25519Verify' | 'sha256'>
): { run: string } | null {
  try {
    return { run: toHex(runId(verifyManifest(bytes, crypto), crypto.sha256)) }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
