/**
 * What a peer writes down, and syncs to the disk, before it says it: so that a crash between writing, sending and
 * restarting can never make it contradict itself. One JSON object per line.
 */
import type { Subject, VoteKind } from '../../protocols/certificate.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'

/** Of which attempt an entry is. */
export interface OfAttempt {
  readonly round: number
  readonly attempt: number
  /** Of a larger network: the cohort in which it is said. */
  readonly cohort?: string
}

export type JournalEntry = OfAttempt &
  (
    | /** Keys were advertised: a restart has lost their secrets and must not advertise others. */
    { readonly kind: 'advertise' }
    /** A leader has proposed in this view: after a restart it must not propose something else there. */
    | { readonly kind: 'proposal'; readonly subject: Subject; readonly view: number }
    | {
        readonly kind: 'vote'
        readonly subject: Subject
        readonly vote: VoteKind
        readonly view: number
        readonly valueHash: Uint8Array
        /** With a commit vote: the prepare certificate and the value that it locks this peer on (encoded). */
        readonly lock?: { readonly certificate: Uint8Array; readonly decision: Uint8Array }
      }
    | {
        readonly kind: 'new-view'
        readonly subject: Subject
        readonly view: number
      } /** Shares were released for this survivor set: never for another. */
    | { readonly kind: 'release'; readonly survivorsHash: Uint8Array }
    /** This peer says no more in this attempt. */
    | { readonly kind: 'stand-down' }
  )

/** One line, newline included. */
export function encodeJournalEntry(entry: JournalEntry): string {
  return `${JSON.stringify(withHex(entry))}\n`
}

/** Bytes as `{ hex }`. Done before JSON looks: some byte arrays (Node's Buffer) have a JSON form of their own. */
function withHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: toHex(value) }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withHex(field)]))
}

/**
 * The entries of a journal's text. A last line without its newline was never synced, so nothing was said on the
 * strength of it: it is left out.
 * @throws SyntaxError if another line is broken: then the journal cannot be trusted
 */
export function decodeJournal(text: string): JournalEntry[] {
  const lines = text.split('\n')
  return lines.slice(0, -1).map(
    line =>
      JSON.parse(line, (_key, value: unknown) => {
        if (value === null || typeof value !== 'object' || !('hex' in value)) return value
        const bytes = fromHex(String(value.hex))
        if (bytes === null) throw new SyntaxError(`not hexadecimal in the journal: ${line.slice(0, 80)}`)
        return bytes
      }) as JournalEntry
  )
}
