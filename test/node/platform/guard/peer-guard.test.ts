import { expect } from 'chai'
import { BanList } from '../../../../node/platform/guard/ban-list.ts'
import { GUARD_LIMITS } from '../../../../node/platform/guard/guard-limits.ts'
import { HeldFrame } from '../../../../node/platform/guard/held-frame.ts'
import { CUT_OFF_POINTS, OFFENCE_POINTS, type Offence } from '../../../../node/platform/guard/offences.ts'
import { PeerGuard } from '../../../../node/platform/guard/peer-guard.ts'
import { PeerScores } from '../../../../node/platform/guard/peer-scores.ts'
import { TokenBucket } from '../../../../node/platform/guard/token-bucket.ts'
import { YamuxHeaders } from '../../../../node/platform/guard/yamux-frames.ts'
import { BLOB_PROTOCOL } from '../../../../protocols/blob-messages.ts'
import { COHORT_MAX, FOUNDERS_MAX } from '../../../../protocols/limits.ts'
import { peerIdOf } from '../../../../protocols/peer-id.ts'
import { MESSAGE_PROTOCOL } from '../../../../protocols/run-protocols.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'

const A = peerIdOf(new Uint8Array(32).fill(1))
const B = peerIdOf(new Uint8Array(32).fill(2))

function world() {
  const clock = new VirtualClock(1_000)
  const bans = new BanList(clock)
  const offences: Offence[] = []
  const logged: string[] = []
  const guard = new PeerGuard({
    clock,
    limits: GUARD_LIMITS,
    bans,
    onOffence: offence => offences.push(offence),
    log: message => logged.push(message)
  })
  return { clock, bans, guard, offences, logged }
}

describe('the guard of a peer', () => {
  it('forgives, then leaves unheard, then refuses, then cuts off for a time that grows', async () => {
    const { clock, bans, guard, offences, logged } = world()
    const until = (condition: () => boolean): number => {
      let count = 0
      for (; !condition(); count++) guard.offend(A, 'invalid-gossip')
      return count
    }
    expect(until(() => guard.gossipScoreOf(A) < 0)).to.equal(9)
    expect(guard.admitsRequest(A, MESSAGE_PROTOCOL)).to.equal(true)
    until(() => guard.gossipScoreOf(A) < -80)
    until(() => !guard.admitsRequest(A, MESSAGE_PROTOCOL))
    expect(guard.isBanned(A)).to.equal(false)
    until(() => guard.isBanned(A))
    // Two requests were refused, of which the first began it.
    expect(offences.filter(({ reason }) => reason === 'invalid-gossip')).to.have.length.within(
      30,
      CUT_OFF_POINTS
    )
    expect(offences.filter(({ cutOff }) => cutOff)).to.deep.equal([
      { peer: A, reason: 'invalid-gossip', cutOff: true }
    ])
    // One line of a kind for all that led to it: a log is not to be filled by a peer.
    expect(logged).to.have.length(3)
    expect(logged[2]).to.equal(`cut off ${A}: invalid-gossip and banned for 60 s`)
    await clock.advance(60_000)
    expect(guard.isBanned(A)).to.equal(false)
    expect(guard.admitsRequest(A, MESSAGE_PROTOCOL), 'a clean sheet').to.equal(true)
    until(() => guard.isBanned(A))
    expect(bans.ofPeer(A)!.untilMs).to.equal(clock.nowMs() + 120_000)
    expect(guard.isBanned(B)).to.equal(false)
    guard.close()
  })

  it('forgets what it heard of a peer in some minutes', async () => {
    const { clock, guard } = world()
    for (let i = 0; i < 15; i++) guard.offend(A, 'invalid-gossip')
    expect(guard.gossipScoreOf(A)).to.be.below(0)
    await clock.advance(60_000)
    expect(guard.gossipScoreOf(A)).to.equal(0)
    guard.close()
  })

  it('never cuts off for one offence but those that leave no doubt', () => {
    const sure = Object.entries(OFFENCE_POINTS).filter(([, points]) => points >= CUT_OFF_POINTS)
    expect(sure.map(([reason]) => reason)).to.deep.equal(['memory-quota'])
  })

  it('takes no stall of a peer that is not heard for an offence, nor bans for answers that do not come', async () => {
    const { clock, guard, offences } = world()
    const sinceMs = clock.nowMs()
    await clock.advance(60_000)
    for (let i = 0; i < 10; i++) guard.stalled(A, 'slow-reading', sinceMs)
    for (let i = 0; i < 100; i++) guard.unanswered(A)
    expect(offences).to.deep.equal([])
    guard.close()
  })

  it('lets through what the largest cohort, all founders and a blob at full speed need', async () => {
    const { clock, guard, offences } = world()
    // A relay passes on forty messages of each member of a full cohort, and the registrations of all founders.
    for (let i = 0; i < 40 * COHORT_MAX + 2 * FOUNDERS_MAX; i++) expect(guard.admitsGossip(A)).to.equal(true)
    // A leader's proposals and certificates in one view.
    for (let i = 0; i < 64; i++) expect(guard.admitsPublished(B, 48 * 1024)).to.equal(true)
    for (let i = 0; i < 10_000; i++) expect(guard.admitsRequest(B, BLOB_PROTOCOL)).to.equal(true)
    // For an hour: a word a second, directly, and as much by gossip.
    for (let i = 0; i < 3_600; i++) {
      await clock.advance(1_000)
      expect(guard.admitsRequest(B, MESSAGE_PROTOCOL) && guard.admitsPublished(B, 2_000)).to.equal(true)
    }
    expect(offences).to.deep.equal([])
    guard.close()
  })

  it('refuses what is above a quota, and cuts off who goes on', () => {
    const { guard, offences } = world()
    let admitted = 0
    for (let i = 0; i < 5_000 && !guard.isBanned(A); i++)
      if (guard.admitsRequest(A, MESSAGE_PROTOCOL)) admitted++
    expect(admitted).to.equal(GUARD_LIMITS.requests.burst)
    for (let i = 0; i < 20; i++) guard.offend(A, 'request-quota')
    expect(offences.at(-1)).to.deep.equal({ peer: A, reason: 'request-quota', cutOff: true })
    guard.close()
  })
})

describe('the score', () => {
  it('remembers a bounded number of peers', () => {
    const scores = new PeerScores(new VirtualClock())
    for (let i = 0; i < 5_000; i++) scores.add(`peer ${i}`, 10)
    expect(scores.pointsOf('peer 0')).to.equal(0)
    expect(scores.pointsOf('peer 4999')).to.equal(10)
  })
})

describe('an allowance', () => {
  it('is a burst, and then so much each second', async () => {
    const clock = new VirtualClock()
    const bucket = new TokenBucket({ burst: 10, perSecond: 2 }, clock)
    expect(bucket.take(10)).to.equal(true)
    expect(bucket.take(1)).to.equal(false)
    await clock.advance(500)
    expect(bucket.take(1)).to.equal(true)
    await clock.advance(60_000)
    expect(bucket.isFull).to.equal(true)
    expect(bucket.take(11)).to.equal(false)
  })
})

describe('frames on their way', () => {
  const cut = (bytes: Uint8Array, at: number[]): Uint8Array[] => {
    const ends = [...at, bytes.length]
    return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
  }

  it('tell how long they are before they are there, however they are cut', () => {
    // 300 bytes, then the length 2^40 and one byte.
    const bytes = Uint8Array.from([
      0xac,
      0x02,
      ...new Array(300).fill(7),
      0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      0x20,
      1
    ])
    for (let at = 0; at <= bytes.length; at++) {
      const frame = new HeldFrame()
      for (const part of cut(bytes, [at])) expect(frame.read(part)).to.equal(true)
      expect(frame.longest).to.equal(2 ** 40)
      expect(frame.bytes).to.equal(1)
    }
    expect(new HeldFrame().read(new Uint8Array(8).fill(0xff))).to.equal(false)
  })

  it('of the multiplexer too', () => {
    const header = (type: number, flags: number, length: number): number[] => {
      const bytes = new Uint8Array(12)
      const view = new DataView(bytes.buffer)
      view.setUint8(1, type)
      view.setUint16(2, flags)
      view.setUint32(8, length)
      return [...bytes]
    }
    const bytes = Uint8Array.from([
      ...header(0, 1, 5),
      9,
      9,
      9,
      9,
      9,
      ...header(2, 1, 77),
      ...header(0, 0, 2 ** 32 - 1)
    ])
    for (let at = 0; at <= bytes.length; at++) {
      const seen: unknown[] = []
      const headers = new YamuxHeaders()
      for (const part of cut(bytes, [at])) headers.read(part, found => seen.push(found))
      expect(seen).to.deep.equal([
        { type: 0, flags: 1, length: 5 },
        { type: 2, flags: 1, length: 77 },
        { type: 0, flags: 0, length: 2 ** 32 - 1 }
      ])
    }
  })
})
