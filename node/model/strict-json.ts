import { duplicateKey } from './json-keys.ts'

/**
 * Reads JSON from a stranger so that every reader of it sees the same: UTF-8, one object, no key twice, nothing nested
 * deeper than asked for.
 * @throws SyntaxError with a reason that continues "the file …", e.g. `names "w" twice`
 */
export function strictJsonObject(bytes: Uint8Array, depthMax: number): Record<string, unknown> {
  // First, because JSON.parse would build millions of nested objects from a few megabytes.
  if (nestsDeeper(bytes, depthMax)) throw new SyntaxError(`nests deeper than ${depthMax} levels`)
  let value: unknown
  let twice: string | null
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
    twice = duplicateKey(text)
  } catch (error) {
    throw new SyntaxError(`cannot be read as JSON (${(error as Error).message})`)
  }
  if (!isObject(value)) throw new SyntaxError('is not a JSON object')
  if (twice !== null) throw new SyntaxError(`names ${JSON.stringify(twice)} twice`)
  return value
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether brackets nest deeper than `depthMax`; whatever is not JSON is left to JSON.parse. */
function nestsDeeper(json: Uint8Array, depthMax: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]
    if (byte === 0x22) inString = !inString
    else if (inString) i += byte === 0x5c ? 1 : 0
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}
