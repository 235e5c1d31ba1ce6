/** Giving a run its author's orders: to the live peer, or into its folder, from where they are sent at its next start. */
import { join } from 'node:path'
import { NetworkError } from '../../protocols/errors.ts'
import { fromHex } from '../../protocols/hex.ts'
import {
  type AuthorCommand,
  checkCommand,
  isCommand,
  type Ordered,
  withCommand
} from '../peer/author-commands.ts'
import { readCommands, writeCommands } from '../peer/order-store.ts'
import type { Peer } from '../peer/peer-types.ts'
import { IDENTITY_FILE, readIdentityFile } from '../platform/identity.ts'
import { askLocalSocket, type LocalArgs } from '../platform/local-socket.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { openPeerFolder } from '../platform/peer-folder.ts'
import { chainWords } from './invite/chain-words.ts'
import type { ChosenRun } from './join/run-source.ts'
import { UserError } from './user-error.ts'

/** `kept`: no peer runs from the folder now. */
export type Given = Ordered | 'kept'

/** @throws NetworkError REFUSED with the peer's words; PeerError NOT_AUTHOR, NOT_NOW; FilesError */
export async function giveOrder(dir: string, run: ChosenRun, command: AuthorCommand): Promise<Given> {
  try {
    return (await askLocalSocket(dir, 'order', { run: run.id, order: command })) as Ordered
  } catch (error) {
    if (!(error instanceof NetworkError && error.code === 'NOBODY_THERE')) throw error
  }
  const unlock = await openPeerFolder(dir)
  try {
    return await keepOrder(dir, run, command)
  } finally {
    await unlock()
  }
}

async function keepOrder(dir: string, { id, manifest }: ChosenRun, command: AuthorCommand): Promise<Given> {
  const files = nodeFiles(dir)
  const run = fromHex(id)!
  const identity = await readIdentityFile(join(dir, IDENTITY_FILE))
  if (identity === null)
    throw new UserError(`${dir}: there is no identity here; name the author's folder with --dir`, 2)
  const { height } = await chainWords(files, run)
  checkCommand(command, manifest, identity.peerId, height === null ? null : { end: null })
  await writeCommands(files, run, withCommand(await readCommands(files, run), command))
  return 'kept'
}

/** Answers `order` on the local socket of the peer's process. @throws UserError for another run, or no order */
export async function takeOrder(
  { run, order }: LocalArgs,
  runHere: string,
  peer: Pick<Peer, 'order'>
): Promise<Ordered> {
  if (run !== runHere)
    throw new UserError(`the peer that runs from there takes part in another run, ${runHere}`, 2)
  if (!isCommand(order)) throw new UserError('that is no order', 2)
  return peer.order(order)
}

/** What became of it, as the end of a sentence. */
export const givenWords: Readonly<Record<Given, string>> = {
  done: 'done, the chain has it',
  sent: 'sent; it takes effect with the next link, for everyone at once',
  waits: 'noted; it takes effect when the run begins',
  kept: 'noted, but no peer runs from this folder now: it is sent when you start yours (fedpeft-node join)'
}
