import { expect } from 'chai'
import fc from 'fast-check'
import { holdersInTurn, pullDelayMs } from '../../../node/peer/pull-order.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { numberedPeer } from '../../support/manifests.ts'

const { sha256 } = nodeCrypto()
const address = sha256(Uint8Array.of(1))
const peers = Array.from({ length: 9 }, (_, i) => numberedPeer(i))
const [owner, ...others] = peers

describe('who is asked for a masked input', () => {
  it('is every holder once, the owner always among the first three', () => {
    fc.assert(
      fc.property(fc.subarray(others), fc.integer({ min: 0, max: 20 }), (some, precedence) => {
        const holders = [owner!, ...some]
        const order = holdersInTurn(holders, owner!, precedence, address, numberedPeer(50), sha256)
        expect([...order].sort()).to.deep.equal([...holders].sort())
        expect(order.indexOf(owner!)).to.be.at.most(precedence === 0 ? 0 : 2)
      })
    )
  })

  it('may be without the owner', () => {
    expect(holdersInTurn(others.slice(0, 3), owner!, 3, address, numberedPeer(50), sha256)).to.have.length(3)
  })

  it('differs from peer to peer, so that no one gets all requests', () => {
    const firsts = Array.from(
      { length: 40 },
      (_, i) => holdersInTurn(peers, owner!, 5, address, numberedPeer(100 + i), sha256)[0]
    )
    expect(new Set(firsts).size).to.be.above(4)
    expect(firsts).not.to.include(owner)
  })

  it('and when: the aggregator at once, the others later, nobody much later', () => {
    const delays = Array.from({ length: 64 }, (_, i) => pullDelayMs(i))
    expect(delays[0]).to.equal(0)
    for (let i = 1; i < 64; i++) expect(delays[i]).to.be.at.least(delays[i - 1]!)
    expect(delays[63]).to.be.below(1000)
    // Not a member of the order: no reason to hurry or to wait.
    expect(pullDelayMs(-1)).to.equal(0)
  })
})
