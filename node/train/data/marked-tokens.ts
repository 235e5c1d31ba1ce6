/** Tokens, and which of them count. */
export interface MarkedTokens {
  /** [t] */
  readonly ids: Int32Array
  /** [t], 1 or 0 */
  readonly counts: Uint8Array
}

export function allMarked(ids: Int32Array, count: 0 | 1): MarkedTokens {
  return { ids, counts: new Uint8Array(ids.length).fill(count) }
}

export function joinedIds(parts: readonly Int32Array[]): Int32Array {
  return joinedInto(new Int32Array(totalLength(parts)), parts)
}

export function joinedTokens(parts: readonly MarkedTokens[]): MarkedTokens {
  const counts = parts.map(part => part.counts)
  return {
    ids: joinedIds(parts.map(part => part.ids)),
    counts: joinedInto(new Uint8Array(totalLength(counts)), counts)
  }
}

function totalLength(parts: ReadonlyArray<{ readonly length: number }>): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

function joinedInto<T extends Int32Array | Uint8Array>(out: T, parts: readonly T[]): T {
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
