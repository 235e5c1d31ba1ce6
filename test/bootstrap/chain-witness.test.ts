import { expect } from 'chai'
import { encodedStateLength, encodeState, initialState } from '../../aggregation/replicated-state.ts'
import { ChainWitness } from '../../bootstrap/chain-witness.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { certify, certifyLink, linkAfter, testRun } from '../support/chains.ts'

/** A coordinator has no base model: what it can check of a chain, and what it cannot be made to keep. */
describe('a chain checked without the base model', () => {
  const test = testRun(4)
  const witness = new ChainWitness(test.manifest, test.crypto)
  const state = new Uint8Array(32).fill(9)
  const refusal = (work: () => unknown): string => {
    try {
      work()
    } catch (error) {
      expect(error).to.be.instanceOf(ProtocolError)
      return (error as ProtocolError).message
    }
    return expect.fail('it was taken')
  }

  it('comes to where a peer comes that has it', () => {
    let [theirs, ours] = [test.tip, witness.next(null, test.founding)]
    for (const kind of ['abort', 'result', 'lost', 'abort', 'result'] as const) {
      const next = certifyLink(test, theirs, kind, kind === 'result' ? state : theirs.stateHash)
      ;[theirs, ours] = [next.tip, witness.next(ours, next.bytes)]
      const { history: _, ...known } = ours
      const { history: __, ...expected } = theirs
      expect(known).to.deep.equal(expected)
    }
  })

  it('does so where noise is added, except for what the noise is worth', () => {
    const privacy = { mechanism: 'skellam', noiseMultiplier: 2, epsilon: 5, delta: 1e-5 }
    const noised = testRun(4, { privacy, strategy: 'ffa', rounds: 9 })
    const other = new ChainWitness(noised.manifest, noised.crypto)
    const first = certifyLink(noised, noised.tip, 'result', state)
    const ours = other.next(other.next(null, noised.founding), first.bytes)
    expect(ours.linkHash).to.deep.equal(first.tip.linkHash)
    expect(ours.privacy?.epsilon).to.equal(first.tip.privacy?.epsilon).and.be.above(0)
    // Epsilon never falls: no quorum can give back what is spent.
    const back = { ...linkAfter(noised, first.tip, 'result', state), epsilonSpent: 0.001 }
    expect(refusal(() => other.next(ours, certify(noised, back)))).to.contain('privacy spent')
  })

  it('refuses a link that too few have signed, or others, or that does not follow', () => {
    const founded = witness.next(null, test.founding)
    const link = linkAfter(test, test.tip, 'result', state)
    const few = certify(test, link, { signers: link.cohort.slice(0, 2) })
    expect(refusal(() => witness.next(founded, few))).to.contain('certificate does not hold')
    expect(refusal(() => witness.next(founded, certify(test, link, { vote: 'prepare' })))).to.contain(
      'does not hold'
    )
    const first = certifyLink(test, test.tip, 'result', state)
    expect(refusal(() => witness.next(founded, certifyLink(test, first.tip, 'result').bytes))).to.contain(
      'follow'
    )
    const stranger = { ...link, cohort: link.cohort.slice(1), survivors: link.survivors.slice(1) }
    expect(refusal(() => witness.next(founded, certify(test, stranger)))).to.contain('cohort')
  })

  it('refuses the founding list of another run, and a state changed by an attempt that came to nothing', () => {
    const other = testRun(5)
    expect(refusal(() => witness.next(null, other.founding))).to.contain('refused')
    const first = certifyLink(test, test.tip, 'result', state)
    const ours = witness.next(witness.next(null, test.founding), first.bytes) as ChainTip
    const changed = linkAfter(test, first.tip, 'abort', new Uint8Array(32).fill(1))
    expect(refusal(() => witness.next(ours, certify(test, changed)))).to.contain('leave the state')
  })

  it('tells the length of a state by its beginning, and of nothing else', () => {
    const plain = initialState(new Float32Array(100).fill(1), 1)
    const moments = {
      ...plain,
      moment1: new Float32Array(100).fill(2),
      moment2: new Float32Array(100).fill(3)
    }
    for (const each of [plain, moments, { ...plain, privacySpent: { epsilon: 1, delta: 1e-5 } }]) {
      const bytes = encodeState(each)
      expect(encodedStateLength(bytes.subarray(0, 200))).to.equal(bytes.length)
      expect(encodedStateLength(bytes.subarray(0, 60))).to.equal(null)
      expect(encodedStateLength(bytes.map((byte, i) => (i === 28 ? 255 : byte)))).to.equal(null)
      expect(encodedStateLength(bytes.map((byte, i) => (i === 3 ? 0 : byte)))).to.equal(null)
    }
  })
})
