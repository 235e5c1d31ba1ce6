/** Orders of the run's author: said by its own machine until the chain has them, kept by everyone's until a link lists them. */

import type { ChainTip } from '../../protocols/chain-tip.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { byId } from '../../protocols/election.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { ORDERS_KEPT, ORDERS_PER_LINK } from '../../protocols/limits.ts'
import { Envelope } from '../../protocols/messages.js'
import {
  type AuthorOrder,
  type CarriedOut,
  carryOut,
  type HeldOrder,
  isDone,
  openOrder,
  orderFault,
  orderKey,
  sealOrder
} from '../../protocols/orders.ts'
import type { Draft } from './round-state.ts'
import { runContextOf } from './run-context.ts'
import { gossip, notice, refuse } from './speak.ts'

/** What this peer's own person, the author, wants done from here on. Whatever was wanted before and is not named is not. */
export function takeOwnOrders(draft: Draft, orders: readonly AuthorOrder[]): void {
  draft.state.ownOrders = orders
  repeatOrders(draft)
}

/** Says them again, bound to where the chain stands now: an order that names an older link is soon of no use. */
export function repeatOrders(draft: Draft): void {
  const { state, deps } = draft
  const { tip } = state
  if (tip === null) return
  for (const order of state.ownOrders) {
    if (!isDone(tip, order)) gossip(draft, sealOrder(order, runContextOf(draft), deps.signer, deps.crypto))
  }
}

export function onOrder(draft: Draft, message: SignedMessage): void {
  const { state, deps } = draft
  const { tip, orders } = state
  const order = openOrder(message, deps.run)
  if (tip === null) return
  for (const [key, held] of orders) if (!isUseful(tip, held)) orders.delete(key)
  const key = orderKey(order)
  const known = orders.get(key)
  const fault = orderFault(tip, order, message.context.previousLink)
  if (fault === 'full') return refuse(draft, message, 'the chain remembers no more revoked invitations')
  if (fault !== null || (known === undefined && orders.size >= ORDERS_KEPT)) return
  // A replay of what the author said earlier must not take the place of what it says now.
  if (known !== undefined && ageOf(tip, known.message) <= ageOf(tip, message)) return
  orders.set(key, { order, message })
  if (known === undefined) notice(draft, { notice: 'ordered', order })
}

function ageOf({ orderLinks }: ChainTip, { context }: SignedMessage): number {
  return orderLinks.findIndex(hash => equalBytes(hash, context.previousLink))
}

function isUseful(tip: ChainTip, { order, message }: HeldOrder): boolean {
  return orderFault(tip, order, message.context.previousLink) === null
}

/** What a leader puts into a decision now. */
export function ordersNow({ state }: Draft, tip: ChainTip): HeldOrder[] {
  return [...state.orders]
    .filter(([, held]) => isUseful(tip, held))
    .sort(([a], [b]) => byId(a, b))
    .map(([, held]) => held)
    .slice(0, ORDERS_PER_LINK)
}

export function envelopesOf(orders: readonly HeldOrder[]): Envelope[] {
  return orders.map(({ message }) => Envelope.decode(message.bytes))
}

/** What these come to, or null if no honest leader would have put them there. */
export function judgeOrders(draft: Draft, tip: ChainTip, envelopes: readonly Envelope[]): CarriedOut | null {
  const { run, crypto } = draft.deps
  try {
    return carryOut(tip, envelopes, run, crypto)
  } catch {
    return null
  }
}

/** Invitations that the author has revoked, as far as this peer has heard: by the chain, and by orders on their way. */
export function revokedNow(draft: Draft, tip: ChainTip | null): ReadonlyMap<string, Uint8Array> {
  const { orders, ownOrders } = draft.state
  const revoked = new Map(tip?.admission.revoked)
  for (const { order, message } of orders.values())
    if (order.kind === 'revoke') revoked.set(order.invitation, message.bytes)
  // Of the author before the founding: there is no link yet that an order could name.
  for (const order of tip === null ? ownOrders : [])
    if (order.kind === 'revoke') revoked.set(order.invitation, new Uint8Array())
  return revoked
}
