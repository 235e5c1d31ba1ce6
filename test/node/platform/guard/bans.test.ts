import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { openBans, readBans, writtenOf } from '../../../../node/platform/guard/ban-file.ts'
import { BANS_MAX, BanList, banSubject } from '../../../../node/platform/guard/ban-list.ts'
import { blockOf, isLoopback, parseBlock, plainIp } from '../../../../node/platform/guard/ip-address.ts'
import { NetworkError } from '../../../../protocols/errors.ts'
import { peerIdOf } from '../../../../protocols/peer-id.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'
import { scratchFolder } from '../../../support/cli.ts'

const peerOf = (seed: number): string => peerIdOf(new Uint8Array(32).fill(seed))
const DAY_MS = 86_400_000

describe('the list of bans', () => {
  it('keeps out a peer, an address and a block of them, until their time is over or they are let in', async () => {
    const clock = new VirtualClock(1_000)
    const list = new BanList(clock)
    list.ban(peerOf(1), 'floods', null)
    list.ban('203.0.113.7', '', 60_000)
    list.ban('2001:db8::/32', '', null)
    expect(list.ofPeer(peerOf(1))?.reason).to.equal('floods')
    expect(list.ofPeer(peerOf(2))).to.equal(null)
    expect(list.ofAddress('203.0.113.7')).to.not.equal(null)
    expect(list.ofAddress('203.0.113.8')).to.equal(null)
    expect(list.ofAddress('2001:db8:1::5')).to.not.equal(null)
    await clock.advance(60_000)
    expect(list.ofAddress('203.0.113.7')).to.equal(null)
    expect(list.unban(peerOf(1))).to.equal(true)
    expect(list.unban(peerOf(1))).to.equal(false)
    expect(list.ofPeer(peerOf(1))).to.equal(null)
    expect(list.active().map(({ subject }) => subject)).to.deep.equal(['2001:db8::/32'])
  })

  it('doubles automatic bans up to a day, and forgets them after a day without', async () => {
    const clock = new VirtualClock(1_000)
    const list = new BanList(clock)
    const lengths: number[] = []
    for (let i = 0; i < 14; i++) {
      const { untilMs } = list.banForNow(peerOf(1), 'invalid-gossip')
      lengths.push(untilMs! - clock.nowMs())
      await clock.advance(untilMs! - clock.nowMs())
      expect(list.ofPeer(peerOf(1))).to.equal(null)
    }
    expect(lengths.slice(0, 4)).to.deep.equal([60_000, 120_000, 240_000, 480_000])
    expect(Math.max(...lengths)).to.equal(DAY_MS)
    expect(list.kept()).to.have.length(1)
    await clock.advance(DAY_MS)
    expect(list.kept()).to.deep.equal([])
    expect(list.banForNow(peerOf(1), 'invalid-gossip')).to.include({ times: 1 })
  })

  it("lets a person's ban stand where the process would ban for a minute", () => {
    const list = new BanList(new VirtualClock(1_000))
    list.ban(peerOf(1), 'for good', null)
    expect(list.banForNow(peerOf(1), 'invalid-gossip')).to.include({ by: 'person', untilMs: null })
  })

  it('is bounded: automatic bans give way first', () => {
    const list = new BanList(new VirtualClock(1_000))
    list.ban('10.0.0.0/8', '', null)
    for (let i = 0; i < BANS_MAX + 10; i++) {
      const seed = new Uint8Array(32)
      new DataView(seed.buffer).setUint32(0, i)
      list.banForNow(peerIdOf(seed), 'invalid-gossip')
    }
    expect(list.kept()).to.have.length(BANS_MAX)
    expect(list.ofAddress('10.1.2.3')).to.not.equal(null)
  })
})

describe('addresses', () => {
  it('are told apart as IPv4, IPv6, mapped and blocks', () => {
    expect(plainIp('::ffff:192.0.2.1')).to.equal('192.0.2.1')
    expect(parseBlock('192.0.2.0/24')!.contains('::ffff:192.0.2.77')).to.equal(true)
    expect(parseBlock('::ffff:192.0.2.1')!.text).to.equal('192.0.2.1')
    for (const text of [
      '',
      'host',
      '1.2.3',
      '1.2.3.4/33',
      '::1/129',
      '1.2.3.4/8/8',
      '1.2.3.4/-1',
      'fe80::1%eth0'
    ]) {
      expect(parseBlock(text), text).to.equal(null)
    }
    expect(blockOf('2001:db8::1')).to.equal('2001:db8:0:0::/64')
    expect(blockOf('2001:0db8:0:0:ffff::1')).to.equal(blockOf('2001:db8::2'))
    expect(blockOf('2001:db8:0:1::1')).to.not.equal(blockOf('2001:db8::1'))
    expect(isLoopback('127.0.0.9') && isLoopback('::1') && !isLoopback('192.0.2.1')).to.equal(true)
  })

  it('contain themselves, and a block what shares its first bits', () => {
    const octet = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(
        fc.tuple(octet, octet, octet, octet),
        fc.integer({ min: 0, max: 32 }),
        octet,
        (parts, bits, other) => {
          const ip = parts.join('.')
          const block = parseBlock(`${ip}/${bits}`)!
          const changed = [...parts.slice(0, 3), other].join('.')
          const number = (text: string): number =>
            text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
          const size = 2 ** (32 - bits)
          const isInside = Math.floor(number(changed) / size) === Math.floor(number(ip) / size)
          expect(block.contains(ip)).to.equal(true)
          expect(block.contains(changed), `${changed} in ${ip}/${bits}`).to.equal(isInside)
        }
      )
    )
  })

  it('are written in one way each, so that what was banned can be found again', () => {
    expect(banSubject('::ffff:10.0.0.1')).to.equal('10.0.0.1')
    expect(banSubject('10.0.0.0/08')).to.equal('10.0.0.0/8')
    expect(banSubject(peerOf(3))).to.equal(peerOf(3))
    expect(banSubject('12D3KooW')).to.equal(null)
  })
})

describe('bans.json', () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())
  const log: string[] = []
  const open = (clock: VirtualClock) => openBans(scratch.path, clock, message => log.push(message))

  it('is not there before the first ban, and has every ban after a restart', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 1))
    const { list, settled } = await open(clock)
    expect(existsSync(join(scratch.path, 'bans.json'))).to.equal(false)
    list.ban(peerOf(1), 'floods', null)
    list.banForNow(peerOf(2), 'stream-quota')
    await clock.advance(2_000)
    list.ban('10.0.0.0/8', 'once', 1_000)
    await settled()
    const again = await open(clock)
    expect(again.list.active().map(writtenOf)).to.deep.equal(list.active().map(writtenOf))
    expect(again.list.active()).to.have.length(3)
    expect(log).to.deep.equal([])
  })

  it('that is damaged is a message with its name, and nothing of it is used', async () => {
    const path = join(scratch.path, 'bans.json')
    const whole = readFileSync(path, 'utf8')
    const broken = [
      whole.slice(0, -20),
      '',
      'null',
      '{"version":2,"bans":[]}',
      whole.replace('person', 'somebody'),
      whole.replace('10.0.0.0/8', 'somewhere'),
      whole.replace(/"since": "[^"]*"/, '"since": "soon"')
    ]
    for (const text of broken) {
      writeFileSync(path, text)
      const error = await readBans(scratch.path).catch(error => error)
      expect(error, text.slice(0, 40)).to.be.instanceOf(NetworkError).with.property('code', 'BAD_BANS')
      expect(error.message).to.include(path).and.include('remove it')
    }
  })
})
