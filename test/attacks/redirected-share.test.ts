import { expect } from 'chai'
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import { Context, type ShareKeys } from '../../protocols/messages.js'
import { dealing, type Misbinding, othersOf, ownIndexOf, shareFor } from '../support/false-shares.ts'
import { bytes32, clusterWithLiar, type Liar, roundWith } from '../support/liars.ts'

type Shares = ShareKeys['shares']

const bad = /share-keys: its share for this peer is bad: BAD_CIPHERTEXT/

/** What the liar's change leads its victims to say. */
const refusalsOf = (change: (shares: Shares, liar: Liar) => Shares): string =>
  roundWith(dealing(change)).refusals.join()

describe('a share that was redirected, or whose associated data were altered', () => {
  it('does not open for another member than it was meant for', () => {
    expect(
      refusalsOf((shares, liar) => {
        const [a, b] = othersOf(liar) as [number, number]
        return shares.with(a, shares[b]!).with(b, shares[a]!)
      })
    ).to.match(bad)
  })

  it('does not open with one bit of it changed', () => {
    expect(
      refusalsOf((shares, liar) => {
        const [a] = othersOf(liar) as [number]
        return shares.with(a, { ...shares[a]!, sealed: shares[a]!.sealed.map(byte => byte ^ 1) })
      })
    ).to.match(bad)
  })

  it('opens if it is bound as it should be, so that the test below can fail', () => {
    const { cluster, refusals } = clusterWithLiar({
      // One more than the least, as the liar may be found out and expelled.
      n: 5,
      ...dealing((shares, liar, message) => {
        const [a] = othersOf(liar) as [number]
        return shares.with(a, shareFor(liar, message, a, [bytes32(1), bytes32(2)]))
      })
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(refusals().join()).to.not.match(bad)
  })

  const wrong: Array<[string, (liar: Liar, to: number) => Misbinding]> = [
    ['another run', () => ({ context: { run: bytes32(1) } })],
    ['another round', () => ({ context: { round: 1 } })],
    ['another attempt', () => ({ context: { attempt: 1 } })],
    ['another roster', () => ({ context: { rosterHash: bytes32(0) } })],
    ['another link before', () => ({ context: { previousLink: bytes32(1) } })],
    ['another base model', () => ({ context: { baseModel: bytes32(1) } })],
    ['another dealer', (liar, to) => ({ from: othersOf(liar).find(index => index !== to)! })],
    ['another recipient', (liar, to) => ({ to: othersOf(liar).find(index => index !== to)! })],
    [
      'another point of the polynomial',
      (liar, to) => {
        const context = Context.encode(liar.attempt.rosterContext!)
        return { data: lengthPrefixed(context, ownIndexOf(liar), to, to + 2) }
      }
    ],
    ['nothing', () => ({ data: new Uint8Array() })],
    ['the way back', () => ({ isReflected: true })]
  ]
  for (const [what, misbinding] of wrong)
    it(`does not open if it is bound to ${what}`, () => {
      const { refusals } = roundWith(
        dealing((shares, liar, message) => {
          const [a] = othersOf(liar) as [number]
          const share = shareFor(liar, message, a, [bytes32(1), bytes32(2)], misbinding(liar, a))
          return shares.with(a, share)
        })
      )
      expect(refusals.join()).to.match(bad)
    })

  it('does not open in another round than it was dealt in', () => {
    let old: Shares | null = null
    const { refusals } = roundWith({
      rounds: 2,
      ...dealing(
        (shares, liar) => {
          old ??= shares
          return liar.attempt.round === 0 ? shares : old
        },
        [0, 1]
      )
    })
    expect(refusals.join()).to.match(bad)
  })
})
