/** The `run` command: the author pauses, resumes or ends a run. */
import { isPeerId } from '../../protocols/peer-id.ts'
import type { AuthorCommand } from '../peer/author-commands.ts'
import { givenWords, giveOrder } from './author-order.ts'
import type { CommandHost } from './host.ts'
import { ownRun, type RunFlags } from './invite.ts'
import { UserError } from './user-error.ts'

export interface ResumeFlags extends RunFlags {
  readonly members?: string
}

/** @throws UserError; as giveOrder */
export async function orderRun(
  kind: 'pause' | 'resume' | 'end',
  flags: ResumeFlags,
  { output }: CommandHost
): Promise<void> {
  const chosen = await ownRun(flags)
  const command: AuthorCommand = kind === 'resume' ? { kind, members: membersOf(flags.members) } : { kind }
  const given = await giveOrder(flags.dir, chosen, command)
  output.say(`${kind} "${chosen.manifest.name}": ${givenWords[given]}`)
  output.event({ event: 'done', run: chosen.id, order: kind, given })
}

function membersOf(text = 'same'): 'same' | readonly string[] {
  if (text === 'same') return text
  const peers = text.split(',').map(peer => peer.trim())
  const wrong = peers.find(peer => !isPeerId(peer))
  if (wrong === undefined) return peers
  throw new UserError(
    `--members: "${wrong}" is no peer id; give ids (12D3KooW…) with commas between them, or \`same\``,
    2
  )
}
