/** What Python's integers make of AES-256-CTR key streams (scripts/golden/mask_vectors.py). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { RingBits } from '../../aggregation/ring.ts'

export interface MaskVector {
  readonly ringBits: RingBits
  readonly lanes: number
  readonly firstByte: number
  /** Keys in hexadecimal. */
  readonly masks: ReadonlyArray<{ readonly key: string; readonly sign: 1 | -1 }>
  readonly inputSha256: string
  /** The first bytes of the masked vector, its last, and the SHA-256 of all. */
  readonly begins: string
  readonly ends: string
  readonly sha256: string
}

export const maskVectorsPath: string = fileURLToPath(new URL('../vectors/masks.json', import.meta.url))

export const maskVectors: readonly MaskVector[] = JSON.parse(readFileSync(maskVectorsPath, 'utf8'))
