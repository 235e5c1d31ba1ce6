/** The sum of a round as a way to the new state: what a lie in it does, and who need not pull anything. */
import { expect } from 'chai'
import { maskingHere } from '../../../node/peer/masking.ts'
import { sleep } from '../../../node/peer/waiting.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { toHex } from '../../../protocols/hex.ts'
import { Attestation, MaskedInput } from '../../../protocols/messages.js'
import { committeePeers, rewordedNetwork } from '../../support/committee-peers.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import { warningsOf, withSumsReplaced } from '../../support/replaced-sums.ts'

describe('the sum of a round, served by its verifiers', () => {
  it('is noticed when it is another, of the same length; the state is pulled then', async () => {
    const { outside, statePulls } = await withSumsReplaced((network, member) => {
      // A masked input is as long as the sum, and verifiers hold it.
      let body = new Uint8Array()
      const watched = rewordedNetwork(network, member, 'masked-input', payload => {
        body = MaskedInput.decode(payload).address.slice()
        return payload
      })
      return rewordedNetwork(watched, member, 'attestation', payload =>
        Attestation.encode({ ...Attestation.decode(payload), sumAddress: body })
      )
    })
    for (const life of outside)
      expect(warningsOf(life).join()).to.match(/sum of round 0 that \S+ named does not lead to the state/)
    expect(statePulls).to.deep.equal([1, 1, 1])
  })
})

describe('a peer whose result others certify while it still adds up', () => {
  it('waits for its own, and pulls no state', async () => {
    const { cluster, asked } = committeePeers({
      founders: 4,
      manifest: { rounds: 2, secureSum: { verifiers: 'everyone' } }
    })
    const here = maskingHere(nodeCrypto())
    const slow = {
      async sum(...[job, signal]: Parameters<typeof here.sum>) {
        await sleep(cluster.clock, 3_000, signal)
        return here.sum(job, signal)
      }
    }
    const lives = await Promise.all([1, 2, 3, 4].map(n => cluster.start(n, n === 2 ? { masking: slow } : {})))
    const decidedFirst = () => linksOf(lives[0]!).length === 1 && linksOf(lives[1]!).length === 0
    expect(await cluster.runUntil(decidedFirst)).to.equal(true)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const { member } = lives[1]!
    const links = linksOf(lives[1]!)
    expect(links.map(({ kind, survivors }) => [kind, survivors.length])).to.deep.equal([
      ['result', 4],
      ['result', 4]
    ])
    for (const { stateHash } of links) expect(asked.has(`${member.id} ${toHex(stateHash)}`)).to.equal(false)
    await cluster.stop()
  })
})
