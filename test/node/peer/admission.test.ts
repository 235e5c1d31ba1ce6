import { expect } from 'chai'
import { mayTakePart } from '../../../node/peer/admission.ts'
import type { PeerError } from '../../../node/peer/errors.ts'
import { emptyRecord, recordWith } from '../../../protocols/admission.ts'
import { type Redemption, Registration } from '../../../protocols/messages.js'
import { toHex } from '../../support/bytes.ts'
import { testMember } from '../../support/chains.ts'
import { admissionOf, invite, invited, redemptionOf } from '../../support/invitations.ts'
import { begun, invitationCluster, invitedFounders as peers } from '../../support/invited-cluster.ts'
import type { PeerLife } from '../../support/peer-cluster.ts'

describe('a whole peer in a run by invitation', () => {
  it('does not start without one, with one that is forged, made out to another peer, or expired', async () => {
    const cluster = invitationCluster()
    const { run } = cluster
    const of = (number: number) => testMember(number).id
    const wrong: Array<[string, Redemption | undefined, string]> = [
      ['none', undefined, 'no-invitation'],
      ['by a stranger', redemptionOf(invite(run, 1, {}, testMember(9)), of(21)), 'forged'],
      ['for another', redemptionOf(invite(run, 1), of(20)), 'forged'],
      ['expired', redemptionOf(invite(run, 1, { expiresAtS: 999 }), of(23)), 'expired']
    ]
    for (const [i, [what, redemption, fault]] of wrong.entries()) {
      const error = await cluster
        .start(20 + i, redemption === undefined ? {} : { redemption })
        .then(() => null)
        .catch((error: PeerError) => error)
      expect(error, what).to.include({ code: 'NOT_ADMITTED' })
      expect(error!.data, what).to.include({ fault })
      expect(error!.message).to.contain(run.author.id)
    }
    await cluster.stop()
  })
})

describe('who is served', () => {
  const run = invitationCluster().run
  const { manifest, tip, author } = run
  const once = invite(run, 1)
  const [first, second] = [invited(20, once), invited(21, once)]
  const heard = (...members: readonly (typeof first)[]) =>
    new Map(
      members.map(({ id, redemption }) => {
        const message = redemption === undefined ? {} : { redemption }
        return [
          id,
          { payload: Registration.encode({ ...message, nonce: new Uint8Array(32), afterLink: tip.linkHash }) }
        ]
      })
    )
  const counted = { ...tip, admission: recordWith(emptyRecord, admissionOf(first)) }

  it('members, listed peers, the author, and who shows an invitation that has uses left', () => {
    for (const peer of [...peers, author.id])
      expect(mayTakePart(manifest, null, new Map(), peer), peer).to.equal(true)
    expect(mayTakePart(manifest, tip, new Map(), first.id)).to.equal(false)
    expect(mayTakePart(manifest, tip, heard(first), first.id)).to.equal(true)
    expect(mayTakePart(manifest, counted, heard(first), first.id)).to.equal(true)
    expect(mayTakePart(manifest, counted, heard(second), second.id)).to.equal(false)
    expect(mayTakePart(manifest, tip, heard(first), second.id)).to.equal(false)
    const named = { ...tip, members: [...tip.members, second.id] }
    expect(mayTakePart(manifest, named, new Map(), second.id)).to.equal(true)
  })

  it('nobody who was expelled or whose invitation is revoked', () => {
    const expelled = { ...tip, expelled: [peers[1]!, first.id] }
    for (const peer of [peers[1]!, first.id])
      expect(mayTakePart(manifest, expelled, heard(first), peer)).to.equal(false)
    const open = { ...manifest, admission: { kind: 'open' as const } }
    expect(mayTakePart(open, expelled, new Map(), peers[1]!)).to.equal(false)
    expect(mayTakePart(open, tip, new Map(), testMember(30).id)).to.equal(true)
    const revoked = new Map([[toHex(once.invitation.id), new Uint8Array()]])
    const at = { ...tip, admission: { ...emptyRecord, revoked } }
    expect(mayTakePart(manifest, at, heard(first), first.id)).to.equal(false)
  })
})

describe('the author of a run', () => {
  it('pauses it, lets it go on, and ends it', async () => {
    const { cluster, lives } = await begun()
    const [author, other] = lives as [PeerLife, PeerLife]
    expect(await author.peer.order({ kind: 'pause' })).to.equal('sent')
    const isPaused = ({ peer }: PeerLife) => peer.status().phase === 'Aborted'
    expect(await cluster.runUntil(() => lives.every(isPaused))).to.equal(true)
    expect(other.peer.status().paused).to.match(/author of the run has paused it/)
    expect(await author.peer.order({ kind: 'resume', members: 'same' })).to.equal('done')
    const height = author.peer.status().tip!.height
    expect(
      await cluster.runUntil(() => lives.every(({ peer }) => peer.status().tip!.height > height))
    ).to.equal(true)
    expect(await author.peer.order({ kind: 'end' })).to.equal('sent')
    expect(await cluster.runToEnd()).to.equal(true)
    for (const { peer } of lives) expect(await peer.finished).to.include({ end: 'author' })
    expect(cluster.stateHashes().size).to.equal(1)
    expect(cluster.splits()).to.deep.equal([])
    await cluster.stop()
  })
})
