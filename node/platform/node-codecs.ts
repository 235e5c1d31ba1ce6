import { zstdDecompressSync } from 'node:zlib'
import type { DataCodecs } from '../train/data/read-parquet.ts'

/** Node's own Zstandard: quicker than the one in JavaScript, which can loop for ever over a corrupt file. */
export const nodeCodecs: DataCodecs = {
  zstd: (input, length) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) })
}
