/**
 * The known dotted path that an unknown one most likely means: the same name elsewhere, or a few letters off.
 * Null if none is near.
 */
export function didYouMean(unknown: string, known: readonly string[]): string | null {
  const last = (path: string) => path.slice(path.lastIndexOf('.') + 1)
  const letters = (name: string) => name.toLowerCase().replace(/[_-]/g, '')
  const key = letters(last(unknown))
  const ranked = known
    .map(path => ({
      path,
      distance: distanceOf(key, letters(last(path))),
      far: editDistance(unknown, path)
    }))
    .sort((a, b) => a.distance - b.distance || a.far - b.far)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(1, key.length / 3) ? best.path : null
}

function distanceOf(key: string, name: string): number {
  return key.length >= 3 && name.startsWith(key)
    ? Math.min(1, name.length - key.length)
    : editDistance(key, name)
}

/** Levenshtein distance of short names. */
function editDistance(a: string, b: string): number {
  // An attacker's key could be as long as the message: nothing that long is a slip of the pen.
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
