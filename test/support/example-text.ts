import type { TokenText } from '../../node/train/token-text.ts'

/** Examples whose tokens are 100, 101, … in the first, 200, 201, … in the second: a place can be read off each. */
export function exampleText(
  lengths: ReadonlyArray<{ readonly prompt: number; readonly completion: number }>
): TokenText {
  const ids: number[] = []
  const counts: number[] = []
  const starts = lengths.map(({ prompt, completion }, example) => {
    const start = ids.length
    for (let i = 0; i < prompt + completion; i++) {
      ids.push(100 * (example + 1) + i)
      counts.push(i < prompt ? 0 : 1)
    }
    return start
  })
  return {
    ids: Int32Array.from(ids),
    examples: { starts: Int32Array.from(starts), counts: Uint8Array.from(counts) }
  }
}
