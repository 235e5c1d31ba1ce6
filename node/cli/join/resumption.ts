/** `--resume-with`: with whom the author lets a paused run go on. */
import { isPeerId } from '../../../protocols/peer-id.ts'
import type { PeerId } from '../../../protocols/ports.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import { UserError } from '../user-error.ts'

/** The members to go on with, given those of the chain. */
export type Resumption = (members: readonly PeerId[]) => readonly PeerId[]

/** @throws UserError if this peer is not the author, or what is given is no list of peers */
export function resumptionOf(
  given: string,
  { author }: Pick<RunManifest, 'author'>,
  self: PeerId
): Resumption {
  if (self !== author)
    throw new UserError(`--resume-with is for the author of the run, ${author}; this peer is ${self}`, 2)
  if (given === 'same') return members => members
  const peers = given.split(',').map(text => text.trim())
  const wrong = peers.find(peer => !isPeerId(peer))
  if (wrong !== undefined) {
    throw new UserError(
      `--resume-with ${given}: "${wrong}" is no peer id; give ids (12D3KooW…) with commas between them, or \`same\``,
      2
    )
  }
  return () => peers
}
