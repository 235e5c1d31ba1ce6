/** What the author of a run can want done, and when it makes sense. */
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { fromHex } from '../../protocols/hex.ts'
import { ORDERS_KEPT } from '../../protocols/limits.ts'
import { type AuthorOrder, knowsOrders, orderKey } from '../../protocols/orders.ts'
import { isPeerId } from '../../protocols/peer-id.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { RunManifest } from '../../protocols/run-manifest.ts'
import { PeerError } from './errors.ts'

/** An order, or to let a paused run go on: with the members that it has, or with these. */
export type AuthorCommand =
  | AuthorOrder
  | { readonly kind: 'resume'; readonly members: 'same' | readonly PeerId[] }

/** One text for each thing that can be wanted. */
export function commandKey(command: AuthorCommand): string {
  return command.kind === 'resume' ? 'resume' : orderKey(command)
}

/** `done`: the chain has it. `sent`: it takes effect with the next link. `waits`: the run has not begun. */
export type Ordered = 'done' | 'sent' | 'waits'

/**
 * The list with one more. What contradicts it is taken back: the author's last word counts.
 * @throws PeerError NOT_NOW above the limit
 */
export function withCommand(commands: readonly AuthorCommand[], command: AuthorCommand): AuthorCommand[] {
  const gone = [commandKey(command)]
  if (command.kind === 'pause') gone.push('resume')
  if (command.kind === 'resume') gone.push('pause')
  const others = commands.filter(other => !gone.includes(commandKey(other)))
  if (others.length < ORDERS_KEPT) return [...others, command]
  const reason = `${ORDERS_KEPT} orders wait to be carried out: no more are taken before the run has moved on`
  throw new PeerError('NOT_NOW', { reason }, reason)
}

/** Checks what came from a file or a socket. */
export function isCommand(given: unknown): given is AuthorCommand {
  const { kind, invitation, members } = (given ?? {}) as Record<string, unknown>
  if (kind === 'pause' || kind === 'end') return true
  if (kind === 'revoke') return typeof invitation === 'string' && fromHex(invitation)?.length === 32
  if (kind !== 'resume') return false
  return members === 'same' || (Array.isArray(members) && members.every(isPeerId))
}

/**
 * @param tip - null before the founding
 * @throws PeerError NOT_AUTHOR, NOT_NOW
 */
export function checkCommand(
  command: AuthorCommand,
  manifest: Pick<RunManifest, 'author' | 'formatVersion'>,
  self: PeerId,
  tip: Pick<ChainTip, 'end'> | null
): void {
  const { author } = manifest
  if (self !== author) {
    const message = `only the author of the run, ${author}, gives it orders; this peer is ${self}`
    throw new PeerError('NOT_AUTHOR', { author, self }, message)
  }
  const notNow = (reason: string) => new PeerError('NOT_NOW', { reason }, reason)
  if (command.kind !== 'resume' && !knowsOrders(manifest))
    throw notNow(
      'the manifest is of format 1.0, and members that know no other would not understand the order: end or pause such a ' +
        'run by stopping its peers'
    )
  if (tip?.end != null) throw notNow('the run is over')
  if (tip === null && command.kind !== 'revoke')
    throw notNow('the run has not begun: stop this peer, the author, and it does not begin')
}
