/**
 * The first key that some object of a JSON text has twice, or null. JSON.parse keeps the last one silently, so two
 * readers of one file could see two different tensors.
 * @param json - text that JSON.parse accepts
 */
export function duplicateKey(json: string): string | null {
  const open: Array<Set<string>> = []
  // Strings (with what follows, to tell keys from values) and braces; everything else is skipped.
  for (const [found, literal, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/gs)) {
    if (found === '{') open.push(new Set())
    else if (found === '}') open.pop()
    else if (colon !== undefined) {
      // Parsed, because "a" and "\u0061" are one key.
      const key: string = JSON.parse(literal!)
      const keys = open.at(-1)!
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return null
}
