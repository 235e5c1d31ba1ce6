/**
 * The author's way to let a paused run go on: a link that names its members anew. A second one after the same link is
 * refused by everyone who has the first, and is evidence against its author.
 */
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import { contextOfLink, contextOfTip, extendChain, linkHashOf } from './chain.ts'
import type { ChainTip, RunContext } from './chain-tip.ts'
import { byId } from './election.ts'
import { type SignedMessage, sealMessage, ZERO_HASH } from './envelope.ts'
import { CertifiedLink, Decision, Envelope, type LinkBody } from './messages.js'
import { type AuthorOrder, orderKey, sealOrder } from './orders.ts'
import type { PeerId } from './ports.ts'
import { accountAfter } from './tip-after.ts'

/**
 * @param signer - of the run's author
 * @param members - of the next attempt, in any order; the expelled may be among them
 * @param orders - to end the run, or to revoke invitations, that no proposal has taken up
 * @param standDowns - of a run that is not paused: see stand-down.ts
 * @returns the encoded CertifiedLink
 * @throws ProtocolError BAD_LINK if the chain cannot go on from `tip` with it: another signer, too few members
 */
export function reconfigurationAfter(
  tip: ChainTip,
  members: readonly PeerId[],
  run: RunContext,
  signer: Signer,
  crypto: CryptoSuite,
  orders: readonly AuthorOrder[] = [],
  standDowns: readonly SignedMessage[] = []
): Uint8Array {
  const link: LinkBody = {
    height: tip.height + 1,
    kind: 'reconfiguration',
    run: run.id,
    previous: tip.linkHash,
    round: tip.round,
    attempt: tip.attempt,
    cohort: [],
    rosterHash: ZERO_HASH,
    encodingHash: ZERO_HASH,
    survivors: [],
    children: [],
    members: [...new Set(members)].sort(byId),
    stateHash: tip.stateHash,
    beacon: new Uint8Array(),
    completedRounds: tip.completedRounds,
    weightSum: 0,
    meanLoss: 0,
    epsilonSpent: accountAfter(tip, 'reconfiguration', run)?.epsilon ?? 0,
    expulsions: [],
    reason: '',
    admissions: [],
    orders: sealedOrders(tip, orders, run, signer, crypto)
  }
  const decision = Decision.encode({ link })
  const valueHash = linkHashOf(decision, crypto)
  const { signature } = sealMessage('reconfiguration', contextOfLink(link, run), valueHash, signer, crypto)
  const certificate = {
    kind: 'author',
    subject: '',
    view: 0,
    valueHash,
    signatures: [{ index: 0, signature }]
  }
  const bytes = CertifiedLink.encode({
    decision,
    certificate,
    standDowns: [...standDowns]
      .sort((a, b) => byId(a.sender, b.sender))
      .map(({ bytes }) => Envelope.decode(bytes))
  })
  extendChain(tip, bytes, run, crypto)
  return bytes
}

function sealedOrders(
  tip: ChainTip,
  orders: readonly AuthorOrder[],
  run: RunContext,
  signer: Signer,
  crypto: CryptoSuite
): Envelope[] {
  const context = contextOfTip(tip, run)
  return [...orders]
    .sort((a, b) => byId(orderKey(a), orderKey(b)))
    .map(order => Envelope.decode(sealOrder(order, context, signer, crypto).bytes))
}
