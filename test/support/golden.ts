/** What Hugging Face's Python computes on tiny models (docs/golden.md), read from test/vectors/hf. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type NamedTensor, readSafetensors } from '../../node/model/safetensors.ts'
import type { TokenBatch } from '../../node/model/transformer.ts'

const root = fileURLToPath(new URL('../vectors/hf', import.meta.url))

/** Of a base model, or of an adapter of it. */
export interface Golden {
  readonly folder: string
  readonly tokens: TokenBatch
  readonly targets: Int32Array
  readonly loss: number
  /** `logits`; of an adapter also `grad.<key>` and `after.<key>`, by the keys of its own file. */
  readonly tensors: ReadonlyMap<string, NamedTensor>
}

export interface GoldenAdapter extends Golden {
  /** Before each of ten steps. */
  readonly losses: readonly number[]
  readonly adamw: {
    readonly lr: number
    readonly betas: readonly [number, number]
    readonly eps: number
    readonly weightDecay: number
  }
}

export const goldenFamilies: readonly string[] = foldersWith(root, 'config.json')

export function goldenAdapters(family: string): string[] {
  return foldersWith(join(root, family), 'adapter_config.json')
}

export function golden(family: string): Golden {
  return read<Golden>(join(root, family))
}

export function goldenAdapter(family: string, adapter: string): GoldenAdapter {
  return read<GoldenAdapter>(join(root, family, adapter))
}

/** Largest difference, relative to the largest expected value; NaN if the lengths differ. */
export function relativeDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.NaN
  let apart = 0
  let largest = 0
  for (let i = 0; i < got.length; i++) {
    // Not Math.max on its own: a NaN must not pass for none.
    const difference = Math.abs(got[i]! - expected[i]!)
    if (!(difference <= apart)) apart = difference
    largest = Math.max(largest, Math.abs(expected[i]!))
  }
  return apart / largest
}

function foldersWith(folder: string, file: string): string[] {
  return readdirSync(folder).filter(name => existsSync(join(folder, name, file)))
}

function read<G extends Golden>(folder: string): G {
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  const path = join(folder, 'expected.safetensors')
  const rows: number[][] = expected.tokens
  return {
    ...expected,
    folder,
    tokens: { ids: Int32Array.from(rows.flat()), batch: rows.length, time: rows[0]!.length },
    targets: Int32Array.from(expected.targets.flat()),
    tensors: readSafetensors(readFileSync(path), path)
  }
}
