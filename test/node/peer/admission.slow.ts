import { expect } from 'chai'
import type { PeerError } from '../../../node/peer/errors.ts'
import { readCommands } from '../../../node/peer/order-store.ts'
import { ChainRequest } from '../../../protocols/messages.js'
import type { Network } from '../../../protocols/ports.ts'
import { CHAIN_PROTOCOL } from '../../../protocols/run-protocols.ts'
import { testMember } from '../../support/chains.ts'
import { invite, redemptionOf } from '../../support/invitations.ts'
import { begun, invitedFounders as peers } from '../../support/invited-cluster.ts'
import { linksOf, type PeerLife } from '../../support/peer-cluster.ts'

const failed = async ({ peer }: PeerLife): Promise<PeerError> =>
  (await peer.finished.then(() => null).catch((error: PeerError) => error))!

const isOver = ({ peer }: PeerLife) => peer.status().condition === 'failed'

const orders = (life: PeerLife) => linksOf(life).flatMap(link => link.orders)

describe('a peer that was invited', function () {
  this.timeout(120_000)

  it('comes in with a good one; a second peer with the same is told that it is used up, and stops with what to do', async () => {
    const { cluster, lives } = await begun()
    const once = invite(cluster.run, 1)
    const inside = await cluster.start(20, { redemption: redemptionOf(once, testMember(20).id) })
    const isMember = () => lives[0]!.peer.status().members.includes(testMember(20).id)
    expect(await cluster.runUntil(isMember)).to.equal(true)
    expect(await cluster.runUntil(() => linksOf(inside).length > 0)).to.equal(true)
    const outside = await cluster.start(21, { redemption: redemptionOf(once, testMember(21).id) })
    expect(await cluster.runUntil(() => isOver(outside))).to.equal(true)
    const error = await failed(outside)
    expect(error).to.include({ code: 'NOT_ADMITTED' })
    expect(error.message).to.match(/used up.*invite create/)
    await cluster.stop()
  })

  it('comes back after a restart with what it was let in by, and costs no second use', async () => {
    const { cluster, lives } = await begun()
    const redemption = redemptionOf(invite(cluster.run, 1), testMember(20).id)
    const guest = await cluster.start(20, { redemption })
    expect(await cluster.runUntil(() => linksOf(guest).length > 0)).to.equal(true)
    guest.kill()
    const gone = () => !lives[0]!.peer.status().members.includes(testMember(20).id)
    expect(await cluster.runUntil(gone)).to.equal(true)
    const again = await cluster.restart(20, { redemption })
    expect(await cluster.runUntil(() => !gone() && linksOf(again).length > 0)).to.equal(true)
    expect(lives[0]!.peer.status().tip!.admission.redemptions).to.equal(1)
    await cluster.stop()
  })

  it('is asked at each request: a stranger gets no chain', async () => {
    const { cluster, lives } = await begun()
    const stranger = cluster.world.join(testMember(50).id)
    const body = ChainRequest.encode({ run: cluster.run.run.id, fromHeight: 0 })
    const chainFor = async (network: Network): Promise<number> => {
      let frames = 0
      const options = { timeoutMs: 5_000, maxFrameBytes: 1 << 18 }
      for await (const _ of network.request(lives[0]!.member.id, CHAIN_PROTOCOL, body, options)) frames++
      return frames
    }
    const counts = Promise.all([chainFor(stranger), chainFor(lives[1]!.network)])
    let settled: number[] | null = null
    counts.then(value => (settled = value))
    expect(await cluster.runUntil(() => settled !== null)).to.equal(true)
    expect(settled![0]).to.equal(0)
    expect(settled![1]).to.be.above(0)
    await cluster.stop()
  })
})

describe('the author of a run', function () {
  this.timeout(120_000)

  it('ends a run that is paused by a link of its own', async () => {
    const { cluster, lives } = await begun()
    const [author] = lives as [PeerLife]
    await author.peer.order({ kind: 'pause' })
    const isPaused = ({ peer }: PeerLife) => peer.status().phase === 'Aborted'
    expect(await cluster.runUntil(() => lives.every(isPaused))).to.equal(true)
    expect(await author.peer.order({ kind: 'end' })).to.equal('done')
    expect(await cluster.runToEnd()).to.equal(true)
    for (const { peer } of lives) expect(await peer.finished).to.include({ end: 'author' })
    await cluster.stop()
  })

  it('is obeyed although it dies at once: what it wanted is on its disk, and said again', async () => {
    const { cluster, lives } = await begun()
    const [author, ...others] = lives as [PeerLife, ...PeerLife[]]
    const invitation = 'cd'.repeat(32)
    cluster.world.kill(author.member.id)
    await author.peer.order({ kind: 'revoke', invitation })
    author.kill()
    const later = author.peer.status().tip!.height + 3
    expect(
      await cluster.runUntil(() => others.every(({ peer }) => peer.status().tip!.height >= later))
    ).to.equal(true)
    expect(orders(others[0]!)).to.deep.equal([])
    const again = await cluster.restart(1)
    const isRevoked = ({ peer }: PeerLife) => peer.status().tip!.admission.revoked.has(invitation)
    expect(await cluster.runUntil(() => [again, ...others].every(isRevoked))).to.equal(true)
    // Done, and so let go of.
    const run = cluster.run.run.id
    let left = 1
    const look = () => void readCommands(again.disk, run).then(commands => (left = commands.length))
    expect(
      await cluster.runUntil(() => {
        look()
        return left === 0
      })
    ).to.equal(true)
    await cluster.stop()
  })

  it('is who gives orders, and hears why one can do nothing', async () => {
    const { cluster, lives } = await begun()
    const [author, other] = lives as [PeerLife, PeerLife]
    const refused = (life: PeerLife, command: Parameters<PeerLife['peer']['order']>[0]) =>
      life.peer.order(command).then(
        () => 'taken',
        (error: PeerError) => `${error.code}: ${error.message}`
      )
    expect(await refused(other, { kind: 'end' })).to.match(/NOT_AUTHOR.*only the author/)
    expect(await refused(author, { kind: 'resume', members: 'same' })).to.match(/NOT_PAUSED/)
    await author.peer.order({ kind: 'pause' })
    const isPaused = ({ peer }: PeerLife) => peer.status().phase === 'Aborted'
    expect(await cluster.runUntil(() => lives.every(isPaused))).to.equal(true)
    const few = { kind: 'resume' as const, members: peers.slice(0, 2) }
    expect(await refused(author, few)).to.match(/BAD_LINK.*4 members/)
    expect(await author.peer.order({ kind: 'resume', members: 'same' })).to.equal('done')
    await cluster.stop()
  })
})
