/** What is set apart to measure on: the same every time, as training on it once would spoil it for good. */
import { seededRandom } from '../../../aggregation/random.ts'
import { shuffle } from '../shuffle.ts'

/** Any number will do, as long as it never changes: a peer that restarts must hold out what it held out before. */
const SPLIT_SEED = 0

export interface HeldOutSplit<T> {
  readonly train: readonly T[]
  readonly heldOut: readonly T[]
}

/** In the order of drawing: files are often sorted, and whoever takes the first of them wants a fair choice. */
export function shuffledExamples<T>(examples: readonly T[]): T[] {
  return shuffle([...examples], seededRandom(SPLIT_SEED))
}

/**
 * Draws examples to hold out: `fraction` of them, rounded, at least one.
 * @returns both sides in random order
 */
export function splitExamples<T>(examples: readonly T[], fraction: number): HeldOutSplit<T> {
  const drawn = shuffledExamples(examples)
  const count = Math.max(1, Math.round(drawn.length * fraction))
  return { train: drawn.slice(count), heldOut: drawn.slice(0, count) }
}

/**
 * Draws whole documents to hold out, until they have `fraction` of the tokens. One that would bring twice as many is
 * trained on.
 * @returns both sides in the order given; null if whole documents do not come out at half to twice the fraction
 */
export function splitDocuments(
  documents: readonly Int32Array[],
  fraction: number
): HeldOutSplit<Int32Array> | null {
  const wanted = fraction * documents.reduce((sum, { length }) => sum + length, 0)
  const drawn = new Set<Int32Array>()
  let tokens = 0
  for (const document of shuffledExamples(documents)) {
    if (tokens >= wanted) break
    if (tokens + document.length > 2 * wanted) continue
    drawn.add(document)
    tokens += document.length
  }
  if (tokens < wanted / 2) return null
  return {
    train: documents.filter(document => !drawn.has(document)),
    heldOut: documents.filter(document => drawn.has(document))
  }
}
