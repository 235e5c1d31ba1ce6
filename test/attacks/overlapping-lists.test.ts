import { expect } from 'chai'
import { type Decision, type SurvivorsDecision, UnmaskBundle } from '../../protocols/messages.js'
import { testDeadlines, testRun } from '../support/chains.ts'
import { contradictions, longestChain } from '../support/cluster-claims.ts'
import { bytes32, proposalWith, reworded, roundWith, saidIn, saying } from '../support/liars.ts'
import { RoundCluster } from '../support/round-cluster.ts'

describe('lists of the living and the dropped that overlap', () => {
  it('are not voted for: a header twice, one too many, one of nobody in U2', () => {
    const changes: Array<(survivors: SurvivorsDecision) => SurvivorsDecision['headers']> = [
      ({ headers }) => [headers[0]!, ...headers],
      ({ headers }) => [headers[0]!, headers[0]!, ...headers.slice(2)],
      ({ headers }) => [...headers, headers[3]!],
      ({ headers, inventories }) => [...headers.slice(1), inventories[0]!]
    ]
    for (const [i, change] of changes.entries()) {
      const { refusals, survivors, ids } = roundWith(
        proposalWith(
          ({ survivors }) => ({ survivors: { ...survivors!, headers: change(survivors!) } }) as Decision,
          'survivors'
        )
      )
      expect(refusals, `change ${i}`).to.deep.equal([
        'proposal: its survivors decision does not follow from what this peer knows'
      ])
      expect(survivors, `change ${i}`).to.include.members(ids)
    }
  })

  it('are not made: a bundle has one share for each of U2, of one kind, whoever dropped out', () => {
    for (const [n, dropped] of [
      [4, 0],
      [4, 1],
      [7, 2]
    ] as const) {
      const run = testRun(n, { rounds: 1, deadlines: testDeadlines })
      const dead = run.members.slice(0, dropped).map(({ id }) => id)
      const cluster = new RoundCluster(run, {
        seed: 5,
        onEffect: (id, effect) => !(dead.includes(id) && saidIn(effect, 'masked-input') !== null)
      })
      expect(cluster.start().finish(120_000)).to.equal(true)
      expect(longestChain(cluster)[0]!.survivors).to.have.lengthOf(n - dropped)
      const bundles = cluster.wire
        .filter(({ type }) => type === 'unmask-bundle')
        .map(({ payload }) => UnmaskBundle.decode(payload))
      expect(bundles).to.have.lengthOf(n - dropped)
      for (const { seedShares, keyShares } of bundles) {
        expect(seedShares).to.have.lengthOf(n - dropped)
        expect(keyShares).to.have.lengthOf(dropped)
      }
      // No honest dealer's share of one kind beside that of the other, by the hashes that the dealers published.
      expect(contradictions(cluster)).to.deep.equal([])
    }
  })

  it('are not answered for: a bundle with both kinds of share for one member is refused', () => {
    const releasing = (change: (bundle: UnmaskBundle) => Partial<UnmaskBundle>) =>
      roundWith({
        lie(effect, liar) {
          const message = saidIn(effect, 'unmask-bundle')
          if (message === null) return null
          const bundle = UnmaskBundle.decode(message.payload)
          return [
            saying(
              effect,
              reworded(liar, message, { payload: UnmaskBundle.encode({ ...bundle, ...change(bundle) }) })
            )
          ]
        }
      }).refusals
    const oneEach = 'unmask-bundle: not one share for each of U2'
    expect(releasing(({ seedShares }) => ({ keyShares: seedShares }))).to.deep.equal([oneEach])
    expect(releasing(() => ({ keyShares: [bytes32(1)] }))).to.deep.equal([oneEach])
    expect(releasing(({ seedShares }) => ({ seedShares: seedShares.slice(1) }))).to.deep.equal([oneEach])
  })
})
