/** `bans.json` in a peer's or coordinator's folder: whoever was banned stays so over a restart. */
import { NetworkError } from '../../../protocols/errors.ts'
import type { Clock } from '../../../protocols/ports.ts'
import { nodeFiles } from '../node-files.ts'
import { BANS_MAX, type Ban, BanList, banSubject, REASON_CHARACTERS } from './ban-list.ts'

export const BAN_FILE = 'bans.json'

/** A full list with the longest reasons is 3 MiB. */
const FILE_BYTES = 4 * 1024 * 1024

const VERSION = 1

/** An automatic ban that is lost with a process that is killed at once is made anew if it is earned. */
const AUTOMATIC_WRITE_MS = 2_000

export interface KeptBans {
  readonly list: BanList
  /** Resolves once everything that was changed so far is on the disk, or could not be written. */
  settled(): Promise<void>
}

/**
 * The list of a folder, empty if there is none. Every change is written; where that fails the ban holds until the
 * process ends.
 * @param log - told of a write that failed
 * @throws NetworkError BAD_BANS naming the file; FilesError if it cannot be read
 */
export async function openBans(dir: string, clock: Clock, log: (message: string) => void): Promise<KeptBans> {
  const list = new BanList(clock, await readBans(dir))
  let writing = Promise.resolve()
  let waiting = false
  const write = (): void => {
    // Bans that come while the disk is busy are written together.
    if (waiting) return
    waiting = true
    writing = writing
      .then(() => {
        waiting = false
        return writeBans(dir, list)
      })
      .catch(error => log(`cannot keep the list of bans: ${error instanceof Error ? error.message : error}`))
  }
  let isPlanned = false
  list.onChange(by => {
    if (by === 'person') return write()
    // Under ever new names somebody could be banned many times a second, and the disk would do nothing else.
    if (isPlanned) return
    isPlanned = true
    clock.after(AUTOMATIC_WRITE_MS, () => {
      isPlanned = false
      write()
    })
  })
  return { list, settled: () => writing }
}

/** For a folder that no process uses. @throws NetworkError BAD_BANS; FilesError */
export async function readBans(dir: string): Promise<Ban[]> {
  const files = nodeFiles(dir)
  const size = await files.size(BAN_FILE)
  if (size === null) return []
  if (size > FILE_BYTES) throw damaged(dir, `it has ${size} bytes`)
  const bytes = await files.read(BAN_FILE)
  if (bytes === null) return []
  let content: unknown
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw damaged(dir, (error as Error).message)
  }
  const { version, bans } = (content ?? {}) as { version?: unknown; bans?: unknown }
  if (version !== VERSION || !Array.isArray(bans)) throw damaged(dir, 'it is no list of bans of this version')
  if (bans.length > BANS_MAX) throw damaged(dir, `it has ${bans.length} bans, and ${BANS_MAX} is the most`)
  return bans.map((entry, i) => {
    const ban = banOf(entry)
    if (ban === null) throw damaged(dir, `entry ${i + 1} is no ban: ${JSON.stringify(entry)?.slice(0, 120)}`)
    return ban
  })
}

/** @throws FilesError */
export async function writeBans(dir: string, list: BanList): Promise<void> {
  const content = { version: VERSION, bans: list.kept().map(writtenOf) }
  await nodeFiles(dir).write(BAN_FILE, new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`))
}

/** As people read it, in the file and with `--json`. */
export function writtenOf({ subject, reason, by, sinceMs, untilMs, times }: Ban): Record<string, unknown> {
  const timeOf = (ms: number): string => new Date(ms).toISOString()
  return {
    subject,
    reason,
    by,
    since: timeOf(sinceMs),
    until: untilMs === null ? null : timeOf(untilMs),
    times
  }
}

function banOf(value: unknown): Ban | null {
  if (typeof value !== 'object' || value === null) return null
  const { subject, reason, by, since, until, times } = value as Record<string, unknown>
  const sinceMs = Date.parse(String(since))
  const untilMs = until === null ? null : Date.parse(String(until))
  const isWhole =
    typeof subject === 'string' &&
    banSubject(subject) === subject &&
    typeof reason === 'string' &&
    reason.length <= REASON_CHARACTERS &&
    (by === 'person' || by === 'automatic') &&
    Number.isFinite(sinceMs) &&
    (untilMs === null || Number.isFinite(untilMs)) &&
    Number.isSafeInteger(times) &&
    Number(times) >= 0
  return isWhole ? { subject, reason, by, sinceMs, untilMs, times: Number(times) } : null
}

function damaged(dir: string, why: string): NetworkError {
  const path = `${dir}/${BAN_FILE}`
  return new NetworkError(
    'BAD_BANS',
    { path },
    `${path} cannot be read as a list of bans: ${why}. Mend it, or remove it and ban again whom you want to keep out`
  )
}
