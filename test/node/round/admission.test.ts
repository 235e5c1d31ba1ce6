import { expect } from 'chai'
import { fits, letIn } from '../../../node/round/newcomers.ts'
import type { Draft } from '../../../node/round/round-state.ts'
import type { Notice } from '../../../node/round/round-types.ts'
import { emptyRecord } from '../../../protocols/admission.ts'
import { contextOfRound } from '../../../protocols/chain.ts'
import type { ChainTip } from '../../../protocols/chain-tip.ts'
import { type SignedMessage, sealMessage } from '../../../protocols/envelope.ts'
import { EXPIRY_TOLERANCE_MS } from '../../../protocols/limits.ts'
import { Refusal, Registration } from '../../../protocols/messages.js'
import type { AuthorOrder } from '../../../protocols/orders.ts'
import { toHex } from '../../support/bytes.ts'
import { type TestMember, type TestRun, testDeadlines, testMember } from '../../support/chains.ts'
import type { ClusterPeer } from '../../support/cluster-peer.ts'
import {
  admissionOf,
  invitationRun,
  invite,
  invited,
  ordered,
  type TestInvitation
} from '../../support/invitations.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

const founders = 4

function begun(rounds: number): RoundCluster {
  const run = invitationRun(founders, { rounds, deadlines: testDeadlines })
  const made = new RoundCluster(run, { seed: 3 }).start()
  expect(made.reach(1)).to.equal(true)
  return made
}

const turnedAway = ({ notices }: ClusterPeer) =>
  notices.filter(({ notice }) => notice === 'turned-away') as Array<Notice & { notice: 'turned-away' }>

const refusals = (made: RoundCluster, peer: string) =>
  made.run.members.flatMap(({ id }) =>
    made.peer(id).notices.filter(notice => notice.notice === 'refused' && notice.peer === peer)
  )

const give = (made: RoundCluster, ...orders: readonly AuthorOrder[]) =>
  made.feed(made.peer(made.run.author.id), { type: 'orders', orders })

const membersOf = (made: RoundCluster) => made.tipOf(made.alive[0]!)!.members

const revoking = ({ invitation }: TestInvitation): AuthorOrder => ({
  kind: 'revoke',
  invitation: toHex(invitation.id)
})

describe('a peer with an invitation', () => {
  it('is a member by the next link, and the run goes on to its end with it', () => {
    const made = begun(8)
    const guest = invited(20, invite(made.run, 1))
    made.join(guest)
    expect(made.finish()).to.equal(true)
    const { admissions } = made.alive[0]!.linkBodies.find(({ admissions }) => admissions.length > 0)!
    expect(admissions.map(({ peer }) => peer)).to.deep.equal([guest.id])
    expect(new Set(made.alive.map(({ stateHash }) => stateHash)).size).to.equal(1)
    expect(made.peer(guest.id).inputs.size).to.be.above(0)
  })

  it('that races another for the last use: one is in, all agree on which, and the other is told what shows it', () => {
    const made = begun(6)
    const once = invite(made.run, 1)
    const guests = [invited(20, once), invited(21, once)]
    for (const guest of guests) made.join(guest)
    expect(made.runUntil(() => guests.some(({ id }) => turnedAway(made.peer(id)).length > 0))).to.equal(true)
    const isIn = ({ id }: TestMember) => membersOf(made).includes(id)
    const [inside, outside] = [guests.find(isIn)!, guests.find(guest => !isIn(guest))!]
    expect(membersOf(made)).to.include(inside.id).and.not.include(outside.id)
    expect(turnedAway(made.peer(outside.id))[0]).to.include({ fault: 'used-up', isProven: true })
    made.kill(outside.id)
    expect(made.finish()).to.equal(true)
    expect(new Set(made.alive.map(({ stateHash }) => stateHash)).size).to.equal(1)
  })

  it('that is wrong is turned away, and each log says so once, however often it asks', () => {
    const made = begun(8)
    const forged = invited(20, invite(made.run, 1, {}, testMember(9)))
    made.join(forged)
    const asked = () =>
      made.wire.filter(({ type, sender }) => type === 'registration' && sender === forged.id).length
    expect(made.runUntil(() => asked() >= 5)).to.equal(true)
    for (const { id } of made.run.members) {
      const said = made
        .peer(id)
        .notices.filter(notice => notice.notice === 'refused' && notice.peer === forged.id)
      expect(said.map(notice => 'reason' in notice && notice.reason)).to.deep.equal(['forged'])
    }
    // Nothing shows it: it might be a lie, so it goes on asking.
    expect(turnedAway(made.peer(forged.id)).map(({ isProven }) => isProven)).to.include(false)
    expect(membersOf(made)).not.to.include(forged.id)
  })

  it('that has expired is left out by whoever proposes, and its own clock tells it that this is right', () => {
    const made = begun(8)
    const expiresAtS = Math.floor(made.nowMs / 1000) - 1
    const late = invited(20, invite(made.run, 1, { expiresAtS }))
    made.join(late)
    expect(made.runUntil(() => turnedAway(made.peer(late.id)).length > 0)).to.equal(true)
    expect(turnedAway(made.peer(late.id))[0]).to.include({ fault: 'expired', isProven: true })
    expect(made.finish()).to.equal(true)
    expect(membersOf(made)).not.to.include(late.id)
  })

  it('that is revoked in time does not come in, and is shown the order', () => {
    const made = begun(8)
    const once = invite(made.run, 1)
    give(made, revoking(once))
    const guest = invited(20, once)
    made.join(guest)
    expect(made.runUntil(() => turnedAway(made.peer(guest.id)).length > 0)).to.equal(true)
    expect(turnedAway(made.peer(guest.id))[0]).to.include({ fault: 'revoked', isProven: true })
    made.kill(guest.id)
    expect(made.finish()).to.equal(true)
    expect(membersOf(made)).not.to.include(guest.id)
    expect(refusals(made, guest.id).length).to.be.at.most(founders)
  })

  it('believes nobody who only says that it is used up', () => {
    const made = begun(8)
    const guest = invited(20, invite(made.run, 1))
    const liars = new RoundCluster(made.run, { seed: 4 })
    liars.join(guest)
    const peer = liars.peer(guest.id)
    const another = invited(21, invite(made.run, 1))
    const invented = { ...admissionOf(another), peer: testMember(22).id }
    const unrelated = admissionOf(invited(23, invite(made.run, 2)))
    const own = admissionOf(guest)
    for (const admissions of [[], [invented], [unrelated], [own]]) {
      liars.feed(peer, { type: 'message', message: refusalBy(made, { reason: 'used-up', admissions }) })
      expect(
        turnedAway(peer).some(({ isProven }) => isProven),
        JSON.stringify(admissions)
      ).to.equal(false)
    }
    liars.feed(peer, {
      type: 'message',
      message: refusalBy(made, { reason: 'used-up', admissions: [admissionOf(another)] })
    })
    expect(turnedAway(peer).at(-1)).to.include({ fault: 'used-up', isProven: true })
  })
})

describe('the clock', () => {
  const run = invitationRun(founders)
  const expiresAtS = 2_000
  const guest = invited(20, invite(run, 1, { expiresAtS }))
  const at = (nowMs: number): Draft =>
    ({
      nowMs,
      deps: { run: run.run },
      state: { tip: run.tip, orders: new Map(), ownOrders: [], registrations: new Map() }
    }) as unknown as Draft
  const proposes = (nowMs: number) => {
    const message = registrationOf(run, guest)
    return letIn(at(nowMs), [message], run.tip).length === 1
  }
  const votes = (nowMs: number) => fits(at(nowMs), emptyRecord, [admissionOf(guest)])

  it('of whoever proposes decides on expiry; voters give it an hour', () => {
    const atMs = 1000 * expiresAtS
    expect([proposes(atMs - 1), proposes(atMs)]).to.deep.equal([true, false])
    expect([
      votes(atMs),
      votes(atMs + EXPIRY_TOLERANCE_MS - 1),
      votes(atMs + EXPIRY_TOLERANCE_MS)
    ]).to.deep.equal([true, true, false])
  })

  it('does not matter to a peer that the chain has let in before', () => {
    const record = {
      ...emptyRecord,
      redeemed: new Map([[toHex(idOf(guest)), new Map([[guest.id, admissionOf(guest)]])]])
    }
    const years = 1e12
    expect(fits(at(years), record, [admissionOf(guest)])).to.equal(true)
  })
})

describe('orders of the author in a run', () => {
  it('pause it with the link that lists them, for everyone', () => {
    const made = begun(8)
    give(made, { kind: 'pause' })
    expect(made.runUntil(() => made.alive.every(({ state }) => state.phase === 'Aborted'))).to.equal(true)
    const height = made.alive[0]!.links.length
    expect(new Set(made.alive.map(({ links }) => links.length)).size).to.equal(1)
    made.runUntil(() => false, 20_000)
    expect(made.alive[0]!.links.length).to.equal(height)
    give(made)
    made.reconfigure(made.run.members.map(({ id }) => id))
    expect(made.reach(height + 2)).to.equal(true)
    expect(made.alive.every(({ state }) => state.tip!.paused)).to.equal(false)
  })

  it('end it with the adapter that it has then', () => {
    const made = begun(8)
    give(made, { kind: 'end' })
    expect(made.finish()).to.equal(true)
    for (const peer of made.alive) expect(made.tipOf(peer)).to.include({ end: 'author' })
    expect(made.tipOf(made.alive[0]!)!.completedRounds).to.be.below(8)
    expect(new Set(made.alive.map(({ stateHash }) => stateHash)).size).to.equal(1)
  })

  it('outlive the author: who has heard one carries it out', () => {
    const made = begun(8)
    give(made, { kind: 'end' })
    const others = made.alive.filter(({ id }) => id !== made.run.author.id)
    expect(made.runUntil(() => others.every(({ state }) => state.orders.has('end')))).to.equal(true)
    made.kill(made.run.author.id)
    expect(made.finish()).to.equal(true)
    for (const peer of made.alive) expect(made.tipOf(peer)).to.include({ end: 'author' })
  })

  it('that contradict each other, told to different members, leave one chain', () => {
    const made = begun(8)
    const [a, b] = made.run.members.map(({ id }) => id).filter(id => id !== made.run.author.id) as [
      string,
      string
    ]
    const tip = made.tipOf(made.peer(a))!
    made.inject(orderedAt(made, tip, { kind: 'pause' }), [a])
    made.inject(orderedAt(made, tip, { kind: 'end' }), [b])
    const isStill = ({ state }: ClusterPeer) => state.phase === 'Aborted' || state.phase === 'Finished'
    expect(made.runUntil(() => made.alive.every(isStill))).to.equal(true)
    const heights = Math.min(...made.alive.map(({ links }) => links.length))
    for (let height = 0; height < heights; height++) {
      const hashes = made.alive.map(({ linkBodies }) => JSON.stringify(linkBodies[height], bytesAsHex))
      expect(new Set(hashes).size, `link ${height + 1}`).to.equal(1)
    }
  })
})

function orderedAt(made: RoundCluster, tip: ChainTip, order: AuthorOrder): SignedMessage {
  return ordered(made.run, tip, order)
}

/** As its machine would say it. */
function registrationOf(run: TestRun, { signer, redemption }: TestMember): SignedMessage {
  const payload = Registration.encode({
    nonce: new Uint8Array(32),
    afterLink: run.tip.linkHash,
    ...(redemption === undefined ? {} : { redemption })
  })
  return sealMessage('registration', contextOfRound(run.tip, run.run, 4), payload, signer, run.crypto)
}

function refusalBy({ run }: RoundCluster, refusal: Refusal): SignedMessage {
  const context = contextOfRound(run.tip, run.run, 4)
  return sealMessage('refusal', context, Refusal.encode(refusal), run.members[1]!.signer, run.crypto)
}

function idOf({ redemption }: TestMember): Uint8Array {
  return redemption!.invitation!.id
}

const bytesAsHex = (_: string, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value)
