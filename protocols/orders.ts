/**
 * What the author of a run may order while it runs: to pause it, to end it, to revoke an invitation. An order is an
 * envelope signed by the author. It does nothing by itself: the next proposal includes it, and it takes effect with the
 * link that lists it, for everyone at once. So an author that contradicts itself decides nothing twice and splits nothing.
 * docs/admission.md.
 */
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import type { AdmissionRecord } from './admission.ts'
import { checkLength, decodeCanonical, equalBytes } from './codec.ts'
import { openMessage, type SignedMessage, sealMessage } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { fromHex, toHex } from './hex.ts'
import { ORDERS_PER_LINK, REVOKED_MAX } from './limits.ts'
import { hasFormat } from './manifest-version.ts'
import { type Context, Envelope, Order } from './messages.js'
import type { RunManifest } from './run-manifest.ts'

export type AuthorOrder =
  | { readonly kind: 'pause' | 'end' }
  /** Invitation id, hexadecimal. */
  | { readonly kind: 'revoke'; readonly invitation: string }

/** As much of a run as an order is checked against. */
export interface OrderRun {
  readonly id: Uint8Array
  readonly manifest: Pick<RunManifest, 'author' | 'formatVersion'>
}

/** What of a chain's tip an order is checked against. */
export interface OrderGrounds {
  /** Links that an order may name: the last ones since the author last set the members anew, this one first. */
  readonly orderLinks: readonly Uint8Array[]
  readonly admission: Pick<AdmissionRecord, 'revoked'>
  readonly paused: boolean
  readonly end: string | null
}

/** An order that was heard and is in no link yet. */
export interface HeldOrder {
  readonly order: AuthorOrder
  readonly message: SignedMessage
}

/** One text for each thing that can be ordered; links list orders in this order. */
export function orderKey(order: AuthorOrder): string {
  return order.kind === 'revoke' ? `revoke ${order.invitation}` : order.kind
}

/** @param context - of the run; its `previousLink` is the link that the order is bound to */
export function sealOrder(
  order: AuthorOrder,
  context: Context,
  signer: Signer,
  crypto: Pick<CryptoSuite, 'sha256'>
): SignedMessage {
  const invitation = order.kind === 'revoke' ? fromHex(order.invitation)! : new Uint8Array()
  return sealMessage('order', context, Order.encode({ kind: order.kind, invitation }), signer, crypto)
}

/**
 * What an envelope orders, once its signature is checked.
 * @throws ProtocolError BAD_LINK if it is no order of this run's author; BAD_MESSAGE
 */
export function openOrder({ type, sender, context, payload }: SignedMessage, run: OrderRun): AuthorOrder {
  const refuse = (reason: string) => new ProtocolError('BAD_LINK', { reason }, `order refused: ${reason}`)
  if (type !== 'order') throw refuse(`it is a ${type} message`)
  if (sender !== run.manifest.author) throw refuse(`signed by ${sender}, not by the author`)
  if (!equalBytes(context.run, run.id)) throw refuse('made for another run')
  if (!knowsOrders(run.manifest)) throw refuse('members of a run of format 1.0 may not know what an order is')
  const { kind, invitation } = decodeCanonical(Order, payload, 'order')
  if (kind === 'revoke') {
    checkLength(invitation, 32, 'invitation')
    return { kind, invitation: toHex(invitation) }
  }
  if ((kind !== 'pause' && kind !== 'end') || invitation.length > 0)
    throw refuse(`there is no order ${kind.slice(0, 32)}`)
  return { kind }
}

/** Programs that read manifests of format 1.0 only would refuse a link that lists orders, and the run would split. */
export function knowsOrders({ formatVersion }: Pick<RunManifest, 'formatVersion'>): boolean {
  return hasFormat(formatVersion, '1.1')
}

export type OrderFault = 'stale' | 'done' | 'full'

/**
 * Why an order cannot be carried out by the link after a tip; null if it can.
 * @param boundTo - the link that it names
 */
export function orderFault(tip: OrderGrounds, order: AuthorOrder, boundTo: Uint8Array): OrderFault | null {
  if (isDone(tip, order)) return 'done'
  if (!tip.orderLinks.some(hash => equalBytes(hash, boundTo))) return 'stale'
  return order.kind === 'revoke' && tip.admission.revoked.size >= REVOKED_MAX ? 'full' : null
}

/** True if the chain has it. */
export function isDone({ admission, paused, end }: OrderGrounds, order: AuthorOrder): boolean {
  if (order.kind === 'revoke') return admission.revoked.has(order.invitation)
  return order.kind === 'pause' ? paused : end === 'author'
}

/** What the orders that a link lists come to. */
export interface CarriedOut {
  readonly pauses: boolean
  readonly ends: boolean
  /** Invitation id -> encoded order. */
  readonly revoked: ReadonlyMap<string, Uint8Array>
}

/**
 * Opens the orders that a link or a decision lists.
 * @throws ProtocolError BAD_LINK, BAD_MESSAGE, BAD_SIGNATURE, VERSION if they cannot stand there
 */
export function carryOut(
  tip: OrderGrounds,
  envelopes: readonly Envelope[],
  run: OrderRun,
  crypto: CryptoSuite
): CarriedOut {
  const refuse = (reason: string) => new ProtocolError('BAD_LINK', { reason }, `orders refused: ${reason}`)
  if (envelopes.length > ORDERS_PER_LINK) throw refuse(`more than ${ORDERS_PER_LINK} orders`)
  const revoked = new Map<string, Uint8Array>()
  let last = ''
  let pauses = false
  let ends = false
  for (const envelope of envelopes) {
    const message = openMessage(Envelope.encode(envelope), crypto)
    const order = openOrder(message, run)
    const key = orderKey(order)
    if (key <= last) throw refuse('they are not sorted, or one comes twice')
    last = key
    const fault = orderFault(tip, order, message.context.previousLink)
    if (fault !== null) throw refuse(`the order to ${key} is ${fault}`)
    if (order.kind === 'revoke') revoked.set(order.invitation, message.bytes)
    else if (order.kind === 'pause') pauses = true
    else ends = true
  }
  return { pauses, ends, revoked }
}

/** A record with invitations revoked. */
export function withRevoked(
  record: AdmissionRecord,
  { revoked }: Pick<CarriedOut, 'revoked'>
): AdmissionRecord {
  return revoked.size === 0 ? record : { ...record, revoked: new Map([...record.revoked, ...revoked]) }
}
