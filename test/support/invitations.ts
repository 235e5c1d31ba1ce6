/** Runs by invitation, and what lets a peer into them. */
import type { Signer } from '../../aggregation/crypto-suite.ts'
import { ed25519Signer } from '../../node/platform/node-crypto.ts'
import { contextOfTip } from '../../protocols/chain.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { createInvitation, redeem } from '../../protocols/invitation.ts'
import {
  type Admission,
  Envelope,
  type Invitation,
  type LinkBody,
  type Redemption
} from '../../protocols/messages.js'
import { type AuthorOrder, sealOrder } from '../../protocols/orders.ts'
import { linkAfter, type TestMember, type TestRun, testMember, testRun } from './chains.ts'

/** Long after any test. */
const LATER_S = 4_000_000_000

/** A run whose founders are listed: whoever else comes needs an invitation. */
export function invitationRun(count: number, overrides: Record<string, unknown> = {}): TestRun {
  const peers = Array.from({ length: count }, (_, i) => testMember(i + 1).id)
  return testRun(count, { admission: { kind: 'invitation', peers }, ...overrides })
}

export interface TestInvitation {
  readonly invitation: Invitation
  readonly bearer: Signer
}

export function invite(
  { run, author }: Pick<TestRun, 'run' | 'author'>,
  number: number,
  terms: Partial<Pick<Invitation, 'uses' | 'expiresAtS' | 'label' | 'run'>> = {},
  by: TestMember = author
): TestInvitation {
  const bearer = ed25519Signer(Uint8Array.from({ length: 32 }, (_, i) => (i < 4 ? number >>> (8 * i) : 33)))
  const all = { run: run.id, uses: 1, expiresAtS: LATER_S, label: '', ...terms }
  return { invitation: createInvitation(all, by.signer, bearer), bearer }
}

export function redemptionOf({ invitation, bearer }: TestInvitation, peer: string): Redemption {
  return redeem(invitation, peer, bearer)
}

/** A member that comes by an invitation. */
export function invited(number: number, invitation: TestInvitation): TestMember {
  const member = testMember(number)
  return { ...member, redemption: redemptionOf(invitation, member.id) }
}

export function admissionOf(member: TestMember): Admission {
  return { peer: member.id, redemption: member.redemption! }
}

/** A result that lets these in, as an honest cohort would word it. */
export function linkAdmitting(
  test: TestRun,
  tip: ChainTip,
  newcomers: readonly TestMember[],
  orders: readonly SignedMessage[] = []
): LinkBody {
  const link = linkAfter(test, tip, 'result')
  const byPeer = newcomers.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return {
    ...link,
    members: [...new Set([...link.members, ...byPeer.map(({ id }) => id)])].sort(),
    admissions: byPeer.map(admissionOf),
    orders: orders.map(({ bytes }) => Envelope.decode(bytes))
  }
}

/** An order, as its author would seal it where the chain stands. */
export function ordered(
  { run, author, crypto }: TestRun,
  tip: Pick<ChainTip, 'linkHash' | 'round' | 'attempt'>,
  order: AuthorOrder,
  by: TestMember = author
): SignedMessage {
  return sealOrder(order, contextOfTip(tip, run), by.signer, crypto)
}
