/** The commands `ban`, `unban` and `bans`: on the process that runs from the folder, else on the folder. */
import { NetworkError } from '../../protocols/errors.ts'
import { lockDirectory } from '../platform/directory-lock.ts'
import { banHandlers } from '../platform/guard/ban-commands.ts'
import { openBans } from '../platform/guard/ban-file.ts'
import { banSubject, REASON_CHARACTERS } from '../platform/guard/ban-list.ts'
import { askLocalSocket, type LocalArgs } from '../platform/local-socket.ts'
import { systemClock } from '../platform/system-clock.ts'
import type { CommandHost } from './host.ts'
import { UserError } from './user-error.ts'

export interface WrittenBan {
  readonly subject: string
  readonly reason: string
  readonly by: 'person' | 'automatic'
  readonly since: string
  readonly until: string | null
  readonly times: number
}

interface Asked<T> {
  readonly value: T
  /** Whether a process runs from the folder, which has heard of it. */
  readonly live: boolean
}

export interface BanFlags {
  readonly dir: string
  readonly forMs: number | null
  readonly reason: string
}

/** @throws UserError for what can not be banned; NetworkError, FilesError */
export async function ban(text: string, { dir, forMs, reason }: BanFlags, host: CommandHost): Promise<void> {
  if (reason.length > REASON_CHARACTERS) {
    throw new UserError(`--reason: at most ${REASON_CHARACTERS} characters, and this has ${reason.length}`, 2)
  }
  const subject = subjectOf(text)
  const { value, live } = await ask<WrittenBan>(dir, 'ban', { subject, reason, forMs })
  host.output.event({ event: 'banned', live, ...value })
  const until = value.until === null ? '' : ` until ${value.until}`
  host.output.say(`${subject} is banned${until}${live ? '; its connections are closed' : whenStarted(dir)}`)
}

/** @throws UserError for what can not be banned; NetworkError, FilesError */
export async function unban(text: string, dir: string, host: CommandHost): Promise<void> {
  const subject = subjectOf(text)
  const { value, live } = await ask<{ readonly wasBanned: boolean }>(dir, 'unban', { subject })
  host.output.event({ event: 'unbanned', live, subject, wasBanned: value.wasBanned })
  if (value.wasBanned) host.output.say(`${subject} is banned no more${live ? '' : whenStarted(dir)}`)
  else host.output.say(`${subject} was not banned; fedpeft-node bans lists who is`)
}

/** @throws NetworkError, FilesError */
export async function listBans(dir: string, { output }: CommandHost): Promise<void> {
  const { value: list } = await ask<readonly WrittenBan[]>(dir, 'bans', {})
  for (const entry of list) {
    output.event({ event: 'ban', ...entry })
    const until = entry.until === null ? 'until it is lifted' : `until ${entry.until}`
    const who = entry.by === 'person' ? 'by a person' : `automatically (${entry.times} in a row)`
    output.say(`${entry.subject}  ${until}, ${who}${entry.reason === '' ? '' : `: ${entry.reason}`}`)
  }
  if (list.length === 0) output.say(`nobody is banned in ${dir}`)
}

/** @throws UserError */
function subjectOf(text: string): string {
  const subject = banSubject(text)
  if (subject !== null) return subject
  throw new UserError(
    `${JSON.stringify(text)} is no peer id, no IP address and no block of them; ` +
      'one looks like 12D3KooW…, 203.0.113.7 or 203.0.113.0/24',
    2
  )
}

async function ask<T>(dir: string, command: 'ban' | 'unban' | 'bans', args: LocalArgs): Promise<Asked<T>> {
  try {
    return { value: (await askLocalSocket(dir, command, args)) as T, live: true }
  } catch (error) {
    if (!(error instanceof NetworkError && error.code === 'NOBODY_THERE')) throw error
  }
  // Held while the file changes, so that no process starts with the list of before.
  const unlock = await lockDirectory(dir)
  try {
    let failure: string | null = null
    const { list, settled } = await openBans(dir, systemClock, message => (failure = message))
    const value = await banHandlers(list, settled)[command]!(args, new AbortController().signal)
    if (failure !== null) throw new UserError(failure, 1)
    return { value: value as T, live: false }
  } finally {
    await unlock()
  }
}

function whenStarted(dir: string): string {
  return `: no process runs from ${dir} now, and the next one will know`
}
