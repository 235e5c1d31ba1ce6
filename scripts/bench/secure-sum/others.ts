/** What the secure sum is held against, on this machine and in the same run. */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { weightedMean } from '../../../aggregation/fedavg.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { runForJson } from '../child.ts'
import { fastest } from './cpu.ts'
import { deltaOf } from './vectors.ts'

export interface CipherRate {
  /** AES-256-CTR in pieces of 64 KiB, per second of CPU time. */
  readonly bytesPerSecond: number
  /** What it was measured with. */
  readonly source: string
}

const PIECE_BYTES = 64 * 1024

/** `openssl speed`, or where there is no such program the same cipher through Node, and nothing but the cipher. */
export async function cipherRate(): Promise<CipherRate> {
  const args = ['speed', '-seconds', '1', '-bytes', String(PIECE_BYTES), '-evp', 'aes-256-ctr']
  const { status, stdout } = spawnSync('openssl', args, { encoding: 'utf8' })
  const thousands = /([\d.]+)k\s*$/.exec(stdout ?? '')?.[1]
  if (status === 0 && thousands !== undefined)
    return { bytesPerSecond: Number(thousands) * 1000, source: 'openssl speed' }
  const { keyStream, randomBytes } = nodeCrypto()
  const pieces = 2000
  const { ms } = await fastest(3, () => {
    const stream = keyStream(randomBytes(32))
    for (let i = 0; i < pieces; i++) stream.next(PIECE_BYTES)
  })
  return {
    bytesPerSecond: (pieces * PIECE_BYTES * 1000) / ms,
    source: 'the cipher of Node (there is no openssl)'
  }
}

/** CPU time of the mean of n changes that hide nothing. Eight are kept and taken in turns. */
export async function plainAverageMs(n: number, d: number, repeats: number): Promise<number> {
  const deltas = Array.from({ length: Math.min(n, 8) }, (_, peer) => deltaOf(peer, d))
  const { ms } = await fastest(repeats, () => {
    const sum = new Float64Array(d)
    for (let peer = 0; peer < n; peer++) {
      const delta = deltas[peer % deltas.length]!
      for (let i = 0; i < d; i++) sum[i]! += delta[i]!
    }
    return weightedMean({ weightedSum: sum, weightSum: n })
  })
  return ms
}

export interface FlowerRate {
  readonly nsPerElementExpansion: number
  readonly version: string
}

/** Flower's own operations on the same vectors. @throws Error in its words, e.g. if the package is not there */
export async function flowerRate(python: string, d: number, repeats: number): Promise<FlowerRate> {
  const script = fileURLToPath(new URL('../flower-secagg.py', import.meta.url))
  const vectors = join(tmpdir(), `fedpeft-bench-${process.pid}.f64`)
  try {
    const values = Buffer.concat([0, 1].map(peer => Buffer.from(deltaOf(peer, d).buffer)))
    writeFileSync(vectors, values)
    return await runForJson<FlowerRate>(python, [script, vectors, String(d), String(repeats)])
  } finally {
    rmSync(vectors, { force: true })
  }
}
