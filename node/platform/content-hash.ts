import { createHash } from 'node:crypto'
import type { ContentHash } from '../model/model-files.ts'

/** SHA-256 by OpenSSL. */
export function sha256Hash(): ContentHash {
  const hash = createHash('sha256')
  return {
    update: bytes => void hash.update(bytes),
    digest: () => new Uint8Array(hash.digest())
  }
}
