/**
 * One text for one value: keys sorted by UTF-16 code unit, no spaces, numbers as ECMAScript prints them. Equal values
 * give equal bytes in every engine. Source: RFC 8785 (JSON Canonicalization Scheme).
 * @throws TypeError for what JSON cannot hold: undefined, NaN, an infinity, a function, a bigint, a lone surrogate
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, item]) => `${canonicalJson(key)}:${canonicalJson(item)}`).join(',')}}`
  }
  throw new TypeError(`no JSON for ${typeof value === 'number' ? value : typeof value}`)
}
