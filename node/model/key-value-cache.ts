import type { Backend, Tensor } from '../backend/backend.ts'
import type { PastVariables } from '../backend/ops/attention.ts'
import { constant } from '../backend/tape.ts'

interface Entry {
  readonly keys: Tensor
  readonly values: Tensor
}

/** The keys and values of the tokens of one text so far, by layer, so that each new token costs only itself. */
export class KeyValueCache {
  private readonly backend: Backend
  private readonly layers = new Map<number, Entry>()
  /** Tokens of the text that are in, not counting a prefix. */
  positions = 0

  constructor(backend: Backend) {
    this.backend = backend
  }

  /** What lies before the next token; null at the start. */
  past(layer: number): PastVariables | null {
    const entry = this.layers.get(layer)
    if (entry === undefined) return null
    const { keys, values } = entry
    return { keys: constant(keys), values: constant(values), length: keys.shape[0]!, shared: false }
  }

  /** Copies in the keys (already rotated) and values of new tokens, behind what lay before them. */
  append(layer: number, past: PastVariables | null, keys: Tensor, values: Tensor): void {
    const before = past === null ? [] : [past]
    const entry = {
      keys: this.backend.joinRows([...before.map(past => past.keys.tensor), keys]),
      values: this.backend.joinRows([...before.map(past => past.values.tensor), values])
    }
    this.free(layer)
    this.layers.set(layer, entry)
  }

  dispose(): void {
    for (const layer of [...this.layers.keys()]) this.free(layer)
    this.positions = 0
  }

  private free(layer: number): void {
    const entry = this.layers.get(layer)
    if (entry === undefined) return
    this.backend.free(entry.keys)
    this.backend.free(entry.values)
    this.layers.delete(layer)
  }
}
