/** What an author remembers of the invitations it has made: not the texts, which open the door. */
import { utf8Bytes } from '../../../aggregation/canonical-bytes.ts'
import { toHex } from '../../../protocols/hex.ts'
import type { Invitation } from '../../../protocols/messages.js'
import type { Files } from '../../../protocols/ports.ts'
import { runFolder } from '../../peer/run-disk.ts'

export interface IssuedInvitation {
  /** Hexadecimal. */
  readonly id: string
  readonly label: string
  readonly uses: number
  readonly expiresAtS: number
}

/** One line of JSON for each, only ever appended to: two commands at once lose nothing. @throws FilesError */
export async function rememberInvitation(
  files: Files,
  run: Uint8Array,
  { id, label, uses, expiresAtS }: Invitation
): Promise<void> {
  const issued: IssuedInvitation = { id: toHex(id), label, uses, expiresAtS }
  await files.append(pathOf(run), utf8Bytes(`${JSON.stringify(issued)}\n`))
}

/** Oldest first; a line that a crash cut short is left out. @throws FilesError */
export async function issuedInvitations(files: Files, run: Uint8Array): Promise<IssuedInvitation[]> {
  const bytes = await files.read(pathOf(run))
  if (bytes === null) return []
  return new TextDecoder()
    .decode(bytes)
    .split('\n')
    .flatMap(line => parsed(line) ?? [])
}

function parsed(line: string): IssuedInvitation | null {
  try {
    const { id, label, uses, expiresAtS } = JSON.parse(line) as IssuedInvitation
    return typeof id === 'string' ? { id, label, uses, expiresAtS } : null
  } catch {
    return null
  }
}

function pathOf(run: Uint8Array): string {
  return `${runFolder(run)}/invitations.log`
}
