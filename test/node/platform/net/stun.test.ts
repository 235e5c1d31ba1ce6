import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  decodeBindingRequest,
  encodeBindingAnswer,
  type StunRequest,
  xorMappedAddress
} from '../../../../node/platform/net/stun-message.ts'
import {
  AnswerBudget,
  addressBytes,
  startStunResponder
} from '../../../../node/platform/net/stun-responder.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))

/** RFC 5769, section 2.1: a request with everything that ICE puts in. */
const SAMPLE_REQUEST = hex(`
  000100582112a442b7e7a701bc34d686fa87dfae
  802200105354554e207465737420636c69656e74
  002400046e0001ff
  80290008932ff9b151263b36
  00060009 6576746a3a68367659202020
  00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
  80280004 e57a3bcf`)

/** RFC 5769, sections 2.2 and 2.3: the transaction of both answers, and their mapped addresses. */
const TRANSACTION = hex('2112a442b7e7a701bc34d686fa87dfae')
const MAPPED_V4 = hex('0001a147e112a643')
const MAPPED_V6 = hex('0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9')

describe('STUN', () => {
  it('RFC 5769, 2.1: the fingerprint of the sample request is right, and what ICE wants is not understood here', () => {
    const request = decodeBindingRequest(SAMPLE_REQUEST)!
    expect(request.transaction).to.deep.equal(TRANSACTION)
    expect(request.hasFingerprint).to.equal(true)
    // PRIORITY, USERNAME, MESSAGE-INTEGRITY
    expect(request.notUnderstood).to.deep.equal([0x0024, 0x0006, 0x0008])
    const answer = Buffer.from(encodeBindingAnswer(request, Uint8Array.of(192, 0, 2, 1), 32_853))
    expect(answer.readUInt16BE(0)).to.equal(0x0111)
    expect(answer.subarray(20, 28).toString('hex')).to.equal('0009001500000414')
    expect(answer.includes(Buffer.from('000a0006002400060008', 'hex'))).to.equal(true)
  })

  it('RFC 5769, 2.2 and 2.3: mapped addresses', () => {
    expect(xorMappedAddress(TRANSACTION, addressBytes('192.0.2.1'), 32_853)).to.deep.equal(MAPPED_V4)
    const v6 = addressBytes('2001:db8:1234:5678:11:2233:4455:6677')
    expect(xorMappedAddress(TRANSACTION, v6, 32_853)).to.deep.equal(MAPPED_V6)
  })

  it('answers nothing but whole, undamaged binding requests', () => {
    const bare = hex('000100002112a442000102030405060708090a0b')
    expect(decodeBindingRequest(bare)).to.not.equal(null)
    for (const [what, packet] of [
      ['cut off', bare.subarray(0, 19)],
      ['another cookie', hex('000100002112a443000102030405060708090a0b')],
      ['an answer', hex('010100002112a442000102030405060708090a0b')],
      ['a length that is not there', hex('000100042112a442000102030405060708090a0b')],
      ['an attribute beyond the end', hex('000100042112a442000102030405060708090a0b80220010')],
      ['a wrong fingerprint', Uint8Array.from(SAMPLE_REQUEST, (byte, i) => (i === 30 ? byte ^ 1 : byte))]
    ] as const) {
      expect(decodeBindingRequest(packet), what).to.equal(null)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), packet => {
        const answer: StunRequest | null = decodeBindingRequest(packet)
        expect(answer === null || packet.length <= 576).to.equal(true)
      })
    )
  })

  it('reads addresses as Node writes them', () => {
    expect([...addressBytes('::1')]).to.deep.equal([...new Array(15).fill(0), 1])
    expect([...addressBytes('::ffff:10.0.0.7')].slice(10)).to.deep.equal([255, 255, 10, 0, 0, 7])
    expect([...addressBytes('fe80::2%eth0')]).to.deep.equal([0xfe, 0x80, ...new Array(13).fill(0), 2])
  })

  it('tells who asks over UDP where it is', async () => {
    const responder = await startStunResponder('127.0.0.1', 0, new VirtualClock())
    const asker = createSocket('udp4').bind(0, '127.0.0.1')
    await once(asker, 'listening')
    try {
      asker.send(hex('000100002112a442000102030405060708090a0b'), responder.address.port, '127.0.0.1')
      const [answer] = (await once(asker, 'message')) as [Buffer]
      expect(answer.readUInt16BE(0)).to.equal(0x0101)
      expect(answer.readUInt16BE(26) ^ 0x2112).to.equal(asker.address().port)
    } finally {
      asker.close()
      await responder.close()
    }
  })

  it('answers so often in a second, and no more', async () => {
    const clock = new VirtualClock()
    const budget = new AnswerBudget(clock, 3)
    expect([1, 2, 3, 4].map(() => budget.take())).to.deep.equal([true, true, true, false])
    await clock.advance(1_000)
    expect(budget.take()).to.equal(true)
  })
})
