/** What a chain has spent of its privacy, and when it ends a run. */
import { expect } from 'chai'
import { epsilonAfter } from '../../aggregation/dp-accountant.ts'
import { mechanismOf } from '../../aggregation/privacy-plan.ts'
import { privacyPlanOf } from '../../node/peer/private-round.ts'
import { extendChain } from '../../protocols/chain.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { pauseOf } from '../../protocols/pause.ts'
import { affordableRounds, charged, emptyAccount, epsilonOfRounds } from '../../protocols/privacy-account.ts'
import { certify, certifyLink, linkAfter, type TestRun, testRun } from '../support/chains.ts'

const privacy = { mechanism: 'skellam', noiseMultiplier: 2, epsilon: 6, delta: 1e-5 }

function privateRun(given: Record<string, unknown> = {}): TestRun {
  return testRun(5, { rounds: 50, strategy: 'ffa', privacy, ...given })
}

function epsilonOf({ manifest, layout }: TestRun, rounds: number): number {
  const mechanism = mechanismOf(privacyPlanOf(manifest, layout, 5, 0)!)
  return epsilonAfter([{ mechanism, rounds }], 1e-5).epsilon
}

function chainOf(test: TestRun, kinds: ReadonlyArray<'result' | 'lost' | 'abort'>): ChainTip {
  return kinds.reduce((tip, kind) => certifyLink(test, tip, kind).tip, test.tip)
}

function verdict(test: TestRun, tip: ChainTip, bytes: Uint8Array): string {
  try {
    extendChain(tip, bytes, test.run, test.crypto)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

describe('the privacy that a chain has spent', () => {
  const test = privateRun()

  it('is nothing at the founding, and there is no account without noise', () => {
    expect(test.tip.privacy).to.deep.equal(emptyAccount)
    expect(testRun(5).tip.privacy).to.equal(null)
  })

  it('grows with every round whose survivors were committed: results and losses alike, aborts not', () => {
    expect(chainOf(test, ['result']).privacy!.epsilon).to.equal(epsilonOf(test, 1))
    expect(chainOf(test, ['lost']).privacy!.epsilon).to.equal(epsilonOf(test, 1))
    expect(chainOf(test, ['abort']).privacy).to.deep.equal(emptyAccount)
    const mixed = chainOf(test, ['abort', 'result', 'lost', 'abort', 'abort', 'lost'])
    expect(mixed.privacy!.epsilon).to.equal(epsilonOf(test, 3))
    expect(mixed.completedRounds).to.equal(1)
  })

  it('is stated by every link, and a link that states another is refused, though a quorum signed it', () => {
    const tip = chainOf(test, ['result', 'lost'])
    for (const kind of ['result', 'lost', 'abort'] as const) {
      const link = linkAfter(test, tip, kind)
      expect(link.epsilonSpent).to.equal(epsilonOf(test, kind === 'abort' ? 2 : 3))
      expect(verdict(test, tip, certify(test, link))).to.equal('taken')
      for (const epsilonSpent of [0, epsilonOf(test, 1), link.epsilonSpent * (1 + 1e-15), Number.NaN]) {
        const forged = certify(test, { ...link, epsilonSpent })
        expect(verdict(test, tip, forged), `${kind} ${epsilonSpent}`).to.match(/another privacy spent/)
      }
    }
  })

  it('is refused where there is no noise', () => {
    const plain = testRun(5)
    const link = { ...linkAfter(plain, plain.tip, 'result'), epsilonSpent: 0.5 }
    expect(verdict(plain, plain.tip, certify(plain, link))).to.match(/another privacy spent/)
  })

  it('pauses, and neither ends nor charges, when expulsions leave fewer members than noise can cover', () => {
    const link = linkAfter(test, test.tip, 'abort')
    const [gone, ...rest] = link.members.slice(2).reverse()
    const evidenceHash = new Uint8Array(32)
    const expulsions = [gone!, ...rest]
      .slice(0, link.members.length - 3)
      .map(peer => ({ peer, kind: 'equivocation', evidenceHash }))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
    const members = link.members.filter(member => !expulsions.some(({ peer }) => peer === member))
    expect(members).to.have.lengthOf(3)
    const { tip } = extendChain(
      test.tip,
      certify(test, { ...link, members, expulsions }),
      test.run,
      test.crypto
    )
    expect(tip).to.deep.include({ end: null, privacy: test.tip.privacy })
    expect(pauseOf(tip, test.manifest)).to.include({ code: 'TOO_FEW_MEMBERS', have: 3, need: 4 })
  })

  it('counts two kinds of rounds each for what it is', () => {
    const turns = privateRun({ strategy: 'rolora' })
    // Both factors of this layout are as long: one kind. Of another cohort it is another.
    expect(chainOf(turns, ['result', 'result']).privacy!.releases).to.have.length(1)
    const mechanisms = [5, 7].map(size => mechanismOf(privacyPlanOf(test.manifest, test.layout, size, 0)!))
    const account = [0, 1, 0].reduce((sum, i) => charged(sum, mechanisms[i]!, 1e-5), emptyAccount)
    expect(account.releases.map(({ rounds }) => rounds)).to.deep.equal([2, 1])
    expect(account.epsilon).to.equal(epsilonOfRounds(mechanisms, 3, 1e-5))
  })
})

describe('a run with a privacy budget', () => {
  it('ends before the round that would pass it, whatever became of the rounds before', () => {
    const test = privateRun()
    const mechanism = mechanismOf(privacyPlanOf(test.manifest, test.layout, 5, 0)!)
    const rounds = affordableRounds([mechanism], privacy, 50)
    expect(epsilonOf(test, rounds)).to.be.at.most(6)
    expect(epsilonOf(test, rounds + 1)).to.be.above(6)
    expect(rounds).to.be.within(2, 20)
    for (const kind of ['result', 'lost'] as const) {
      const before = chainOf(
        test,
        Array.from({ length: rounds - 1 }, () => kind)
      )
      expect(before.end).to.equal(null)
      expect(certifyLink(test, before, kind).tip.end).to.equal('privacy')
    }
    expect(chainOf(test, ['abort', 'abort', 'abort']).end).to.equal(null)
  })

  it('ends with its rounds if they are fewer', () => {
    const test = privateRun({ rounds: 2 })
    expect(chainOf(test, ['result']).end).to.equal(null)
    expect(chainOf(test, ['result', 'lost', 'result']).end).to.equal('rounds')
    expect(chainOf(testRun(5, { rounds: 1 }), ['result']).end).to.equal('rounds')
  })

  it('ends at the founding if not even one round fits', () => {
    expect(privateRun({ privacy: { ...privacy, epsilon: 0.1 } }).tip.end).to.equal('privacy')
  })
})
