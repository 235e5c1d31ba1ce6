import { expect } from 'chai'
import { toHex } from '../../../protocols/hex.ts'
import { Attestation } from '../../../protocols/messages.js'
import { committeePeers, rewordedNetwork } from '../../support/committee-peers.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import { warningsOf, withSumsReplaced } from '../../support/replaced-sums.ts'

describe('the sum of a round, served by its verifiers, more of it', () => {
  it('is done without when nobody has what was named', async () => {
    const { outside, statePulls } = await withSumsReplaced((network, member) =>
      rewordedNetwork(network, member, 'attestation', payload =>
        Attestation.encode({ ...Attestation.decode(payload), sumAddress: new Uint8Array(32).fill(7) })
      )
    )
    for (const life of outside) expect(life.logged.join()).to.include('cannot get the sum of round 0')
    expect(statePulls).to.deep.equal([1, 1, 1])
  })

  it('is done without when none was named', async () => {
    const { outside, statePulls } = await withSumsReplaced((network, member) =>
      rewordedNetwork(network, member, 'attestation', payload =>
        Attestation.encode({ ...Attestation.decode(payload), sumAddress: new Uint8Array() })
      )
    )
    for (const life of outside) expect(warningsOf(life)).to.deep.equal([])
    expect(statePulls).to.deep.equal([1, 1, 1])
  })

  it('leads to the same state with noise, moments and random-k', async () => {
    const noise = { mechanism: 'skellam', noiseMultiplier: 2, epsilon: 50, delta: 1e-5 }
    for (const manifest of [
      { privacy: noise, strategy: 'ffa' },
      { serverOptimizer: { name: 'fedadam' } },
      { secureSum: { verifiers: 4, randomK: 0.5 } }
    ]) {
      const { cluster, asked } = committeePeers({ manifest: { rounds: 2, ...manifest } })
      const lives = await cluster.startAll()
      expect(await cluster.runToEnd()).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      const links = linksOf(lives[0]!)
      expect(links.map(({ kind }) => kind)).to.deep.equal(['result', 'result'])
      for (const { member } of lives)
        for (const { stateHash } of links)
          expect(asked.has(`${member.id} ${toHex(stateHash)}`), JSON.stringify(manifest)).to.equal(false)
      await cluster.stop()
    }
  })
})
