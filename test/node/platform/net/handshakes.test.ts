import { expect } from 'chai'
import { Handshakes } from '../../../../node/platform/net/handshakes.ts'

const ADDRESS = '/ip4/192.0.2.1/tcp/4001'

describe('handshakes under way', () => {
  it('are known to a dial that joins another one, which hears of no step before', () => {
    const handshakes = new Handshakes()
    const first = handshakes.begin(ADDRESS)
    first.step('dial-queue:start-dial')
    expect(first.isInHandshake()).to.equal(false)
    first.step('upgrader:encrypt-outbound-connection')
    const second = handshakes.begin(ADDRESS)
    first.end()
    expect(second.isInHandshake()).to.equal(true)
    expect(handshakes.begin('/ip4/192.0.2.2/tcp/4001').isInHandshake()).to.equal(false)
  })

  it('end with the handshake, with another attempt, and with the last dial', () => {
    const handshakes = new Handshakes()
    const dial = handshakes.begin(ADDRESS)
    for (const over of ['upgrader:multiplex-outbound-connection', 'dial-queue:start-dial']) {
      dial.step('upgrader:encrypt-outbound-connection')
      dial.step('connection:opened')
      expect(dial.isInHandshake()).to.equal(true)
      dial.step(over)
      expect(dial.isInHandshake()).to.equal(false)
    }
    dial.step('upgrader:encrypt-outbound-connection')
    dial.end()
    expect(handshakes.size).to.equal(0)
    expect(handshakes.begin(ADDRESS).isInHandshake()).to.equal(false)
  })
})
