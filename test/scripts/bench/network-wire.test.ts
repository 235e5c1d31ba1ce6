import { expect } from 'chai'
import type { ByteCount, RoundBytes } from '../../../node/peer/byte-account.ts'
import { wireResult } from '../../../scripts/bench/network/wire.ts'
import { meanTally, type PeerRound, type Tally } from '../../../scripts/bench/network/wire-meter.ts'
import { wireSettings } from '../../../scripts/bench/network/wire-part.ts'

const setting = {
  peers: 4,
  verifiers: 'everyone',
  strategy: 'ffa',
  d: 50,
  transport: 'memory',
  rounds: 1
} as const

const count = (received: number, sent = received): ByteCount => ({ received, sent })

function roundOf(wire: number, isVerifier = true, isAggregator = false): PeerRound {
  const port: RoundBytes = { maskedUpload: count(0, 100), verification: count(300, 200), control: count(20) }
  const protocols = {
    '/meshsub/1.2.0': count(45),
    '/fedpeft/blob/1': count(302),
    '/fedpeft/message/1': count(5)
  }
  const bytes: Tally = { port, wire: count(wire), protocols }
  return { isVerifier, isAggregator, bytes }
}

const runOf = (rounds: readonly PeerRound[]) => ({ bodyBytes: 100, rounds, said: {}, seconds: 1 })

describe('bytes of a round as the benchmark shows them', () => {
  it('are those received, beside n - 1 bodies where everyone verifies', () => {
    const result = wireResult(
      setting,
      runOf([roundOf(340, true, true), roundOf(350), roundOf(370), roundOf(380)])
    )
    expect(result).to.include({ bytesPerPeerPerRound: 360, leastBytes: 300, ratioToLeast: 1.2 })
    expect(result.ratioToAllBodies).to.equal(1.2)
    expect(result.roles).to.deep.equal({ verifier: count(360), other: null, aggregator: count(340) })
    // Of 360: 320 at the port, 45 + 5 of gossip and requests for 20 of control, and the rest below.
    expect(result.overhead).to.include({ gossip: 30, transport: 10 })
  })

  it('are beside one sum for everyone outside a committee', () => {
    const committee = { ...setting, peers: 8, verifiers: 6 }
    const rounds = [
      ...Array.from({ length: 6 }, () => roundOf(800)),
      roundOf(120, false),
      roundOf(140, false)
    ]
    const result = wireResult(committee, runOf([{ ...rounds[0]!, isAggregator: true }, ...rounds.slice(1)]))
    expect(result.leastBytes).to.equal((6 * 700 + 2 * 100) / 8)
    expect(result.roles.other).to.deep.equal(count(130))
    expect(result.ratioToLeast).to.equal(Math.round((6 * 800 + 260) / 8) / 550)
  })

  it('are compared with the full model in both ways of counting', () => {
    const { fullModel } = wireResult(setting, runOf([roundOf(360, true, true)]))
    expect(fullModel.bytes).to.equal(2 * 4 * 134_515_008)
    expect(fullModel.timesLess).to.equal(fullModel.bytes / 360)
    expect(fullModel.timesLessBothWays).to.equal(fullModel.bytes / 720)
  })

  it('are means over peers, also of what only some of them spoke', () => {
    const other: Tally = { ...roundOf(100).bytes, protocols: { '/ipfs/ping/1.0.0': count(8) } }
    const mean = meanTally([roundOf(300).bytes, other])
    expect(mean.wire).to.deep.equal(count(200))
    expect(mean.protocols['/ipfs/ping/1.0.0']).to.deep.equal(count(4))
  })

  it('are taken for each size with everyone and with a committee, where that is smaller', () => {
    const settings = wireSettings({ peers: [4, 16], d: 1000 })
    const told = settings.map(({ peers, verifiers, strategy, transport }) =>
      [peers, verifiers, strategy, transport].join(' ')
    )
    expect(told).to.deep.equal([
      '4 everyone ffa memory',
      '16 everyone ffa memory',
      '16 7 ffa memory',
      '4 everyone ffa tcp',
      '16 7 rolora memory'
    ])
  })
})
