/** What the author of a run wants done and the chain does not have yet: kept, so that it is sent after a restart too. */
import { utf8Bytes } from '../../aggregation/canonical-bytes.ts'
import type { Files } from '../../protocols/ports.ts'
import { type AuthorCommand, isCommand } from './author-commands.ts'
import { PeerError } from './errors.ts'
import { runFolder } from './run-disk.ts'

/** As they were kept, oldest first. @throws PeerError BROKEN_STORE; FilesError */
export async function readCommands(files: Files, run: Uint8Array): Promise<AuthorCommand[]> {
  const path = pathOf(run)
  const bytes = await files.read(path)
  if (bytes === null) return []
  let given: unknown
  try {
    given = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    given = null
  }
  if (Array.isArray(given) && given.every(isCommand)) return given
  const message = `${path}: not a list of the author's orders. Delete it and give them again`
  throw new PeerError('BROKEN_STORE', { path, reason: 'not a list of orders' }, message)
}

/** @throws FilesError */
export async function writeCommands(
  files: Files,
  run: Uint8Array,
  commands: readonly AuthorCommand[]
): Promise<void> {
  if (commands.length === 0) await files.remove(pathOf(run))
  else await files.write(pathOf(run), utf8Bytes(`${JSON.stringify(commands)}\n`))
}

function pathOf(run: Uint8Array): string {
  return `${runFolder(run)}/orders.json`
}
