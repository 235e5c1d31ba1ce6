import { expect } from 'chai'
import fc from 'fast-check'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { decodeSum, encodeInput, laneCountOf, type RoundEncoding } from '../../aggregation/encoding.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { expandInto, type MaskContext, pairMasks, selfMaskKey } from '../../aggregation/mask.ts'
import type { SignedMask } from '../../aggregation/mask-stream.ts'
import { seededRandom } from '../../aggregation/random.ts'
import {
  addLanes,
  type Lanes,
  RING_WIDTHS,
  type RingBits,
  setLanes,
  subtractLanes,
  zeroLanes
} from '../../aggregation/ring.ts'
import { maskInput, unmaskSum } from '../../aggregation/secure-sum.ts'
import { recoverSecret, splitSecret } from '../../aggregation/shamir.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../support/bytes.ts'
import { laneUniformity, UNIFORMITY_P_MIN } from '../support/uniformity.ts'

/** One peer of a whole round in memory: real keys, real shares, as the messages would carry them. */
interface Member {
  readonly id: string
  readonly maskSecret: Uint8Array
  readonly maskPublicKey: Uint8Array
  readonly selfSeed: Uint8Array
  /** Share i is held by member i. */
  readonly selfSeedShares: readonly Uint8Array[]
  readonly maskSecretShares: readonly Uint8Array[]
  readonly input: Lanes
}

interface Cohort {
  readonly crypto: CryptoSuite
  readonly context: MaskContext
  readonly threshold: number
  readonly members: readonly Member[]
}

function cohortOf(
  n: number,
  ringBits: RingBits,
  laneCount: number,
  seed: number,
  input = randomInput
): Cohort {
  const crypto = seededCrypto(Uint8Array.of(seed & 255, seed >> 8))
  const threshold = Math.floor((2 * n) / 3) + 1
  // Ids in no order of the roster: signs must follow the ids, not the indices.
  const members = Array.from({ length: n }, (_, i): Member => {
    const maskSecret = crypto.randomBytes(32)
    const selfSeed = crypto.randomBytes(32)
    return {
      id: `${(i * 7) % 10}-peer-${i}`,
      maskSecret,
      maskPublicKey: crypto.x25519PublicKey(maskSecret),
      selfSeed,
      selfSeedShares: splitSecret(selfSeed, n, threshold, crypto.randomBytes),
      maskSecretShares: splitSecret(maskSecret, n, threshold, crypto.randomBytes),
      input: input(ringBits, laneCount, seed + 1000 * i)
    }
  })
  const rosterHash = crypto.sha256(...members.map(member => member.maskPublicKey))
  const context: MaskContext = { rosterHash, run: 'r', round: 1, attempt: 0, laneCount, ringBits }
  return { crypto, context, threshold, members }
}

function randomInput(ringBits: RingBits, laneCount: number, seed: number): Lanes {
  const random = seededRandom(seed)
  const lanes = zeroLanes(ringBits, laneCount)
  setLanes(
    lanes,
    Array.from(lanes, () => random.nextUint32())
  )
  return lanes
}

/** Values as small as quantised deltas are: far from uniform. */
function smallInput(ringBits: RingBits, laneCount: number, seed: number): Lanes {
  const random = seededRandom(seed)
  const lanes = zeroLanes(ringBits, laneCount)
  setLanes(
    lanes,
    Array.from(lanes, () => (random.nextUint32() % 401) - 200)
  )
  return lanes
}

function masksOf(
  { crypto, context, members }: Cohort,
  member: Member
): { selfKey: Uint8Array; pairs: SignedMask[] } {
  const others = members.filter(other => other !== member)
  return {
    selfKey: selfMaskKey(crypto, member.selfSeed, member.id, context),
    pairs: pairMasks(crypto, member.id, member.maskSecret, others, context)
  }
}

function maskedInput(cohort: Cohort, member: Member): Lanes {
  const { selfKey, pairs } = masksOf(cohort, member)
  return maskInput(member.input, selfKey, pairs, cohort.crypto)
}

/** Unmasks with what t survivors' shares yield, and nothing else. */
function unmasked(cohort: Cohort, survivors: readonly Member[]): Lanes {
  const { crypto, context, members, threshold } = cohort
  const holders = survivors.map(survivor => members.indexOf(survivor)).slice(-threshold)
  const recovered = (shares: readonly Uint8Array[]) =>
    recoverSecret(
      holders.map(holder => ({ x: holder + 1, y: shares[holder]! })),
      threshold
    )
  const dropped = members.filter(member => !survivors.includes(member))
  return unmaskSum(
    {
      inputs: survivors.map(survivor => maskedInput(cohort, survivor)),
      selfKeys: survivors.map(({ id, selfSeedShares }) =>
        selfMaskKey(crypto, recovered(selfSeedShares), id, context)
      ),
      droppedPairMasks: dropped.flatMap(({ id, maskSecretShares }) =>
        pairMasks(crypto, id, recovered(maskSecretShares), survivors, context)
      )
    },
    crypto
  )
}

function plainSum(members: readonly Member[]): Lanes {
  const sum = members[0]!.input.slice()
  for (const { input } of members.slice(1)) addLanes(sum, input)
  return sum
}

describe('secure sum (Bonawitz et al. 2017, double masking)', () => {
  it('unmasks to the plain sum, to the last bit, whoever up to n - t drops out', () => {
    const cases = fc.integer({ min: 3, max: 9 }).chain(n =>
      fc.record({
        n: fc.constant(n),
        ringBits: fc.constantFrom<RingBits>(...RING_WIDTHS),
        laneCount: fc.integer({ min: 1, max: 200 }),
        seed: fc.nat(0xffff),
        dropped: fc.uniqueArray(fc.nat(n - 1), { maxLength: n - (Math.floor((2 * n) / 3) + 1) })
      })
    )
    fc.assert(
      fc.property(cases, ({ n, ringBits, laneCount, seed, dropped }) => {
        const cohort = cohortOf(n, ringBits, laneCount, seed)
        const survivors = cohort.members.filter((_, i) => !dropped.includes(i))
        expect(unmasked(cohort, survivors)).to.deep.equal(plainSum(survivors))
      }),
      { numRuns: 40 }
    )
  })

  it('sums encoded deltas of 16 peers with 5 lost, and decodes them', () => {
    const encoding: RoundEncoding = {
      ringBits: 16,
      participants: 16,
      dimension: 500,
      coordinateBound: 0.3,
      maxWeight: 64,
      metricLimbs: 1,
      rotationSeed: 'run'
    }
    const deltas = new Map<number, Float64Array>()
    const input = (_: RingBits, __: number, seed: number) => {
      const random = seededRandom(seed)
      const delta = Float64Array.from({ length: 500 }, () => (random.nextUint32() / 2 ** 32 - 0.5) * 0.1)
      deltas.set(seed, delta)
      return encodeInput(encoding, { delta, weight: 1 << (seed % 7), metrics: [2] }, random)
    }
    const cohort = cohortOf(16, 16, laneCountOf(encoding), 3, input)
    const survivors = cohort.members.slice(5)
    const { weightedSum, weightSum, meanMetrics } = decodeSum(encoding, unmasked(cohort, survivors), 11)
    const seeds = survivors.map((_, i) => 3 + 1000 * (i + 5))
    expect(weightSum).to.equal(seeds.reduce((sum, seed) => sum + (1 << (seed % 7)), 0))
    expect(meanMetrics).to.deep.equal([2])
    const exact = weightedSum.map((_, i) =>
      seeds.reduce((sum, seed) => sum + (1 << (seed % 7)) * deltas.get(seed)![i]!, 0)
    )
    const level = (0.3 / 2047) * 64
    const squaredError = weightedSum.reduce((sum, x, i) => sum + (x - exact[i]!) ** 2, 0) / 500
    expect(Math.sqrt(squaredError)).to.be.below(level * Math.sqrt(11))
  })

  it('without any single mask the sum is wrong in nearly every lane and looks uniform', () => {
    const cohort = cohortOf(5, 16, 8192, 9, smallInput)
    const { crypto, context, members } = cohort
    const survivors = members.slice(1)
    const expected = plainSum(survivors)
    expect(laneUniformity(expected).p).to.be.below(UNIFORMITY_P_MIN)
    const parts = {
      inputs: survivors.map(survivor => maskedInput(cohort, survivor)),
      selfKeys: survivors.map(({ id, selfSeed }) => selfMaskKey(crypto, selfSeed, id, context)),
      droppedPairMasks: pairMasks(crypto, members[0]!.id, members[0]!.maskSecret, survivors, context)
    }
    expect(unmaskSum(parts, crypto)).to.deep.equal(expected)
    const wrong = [
      ...survivors.map((_, i) => ({ ...parts, selfKeys: parts.selfKeys.with(i, new Uint8Array(32)) })),
      ...survivors.map((_, i) => ({ ...parts, droppedPairMasks: parts.droppedPairMasks.toSpliced(i, 1) })),
      {
        ...parts,
        droppedPairMasks: parts.droppedPairMasks.map(({ key, sign }) => ({ key, sign: -sign as 1 | -1 }))
      }
    ]
    for (const bad of wrong) {
      const sum = unmaskSum(bad, crypto)
      expect(sum.filter((lane, i) => lane === expected[i]).length).to.be.below(10)
      expect(laneUniformity(sum).p).to.be.above(1e-4)
    }
  })

  it('a masked input minus every mask but one still looks uniform; minus all of them it is the input', () => {
    const cohort = cohortOf(6, 16, 8192, 4, smallInput)
    const victim = cohort.members[2]!
    const { selfKey, pairs } = masksOf(cohort, victim)
    const masks: SignedMask[] = [{ key: selfKey, sign: 1 }, ...pairs]
    expect(laneUniformity(victim.input).p).to.be.below(UNIFORMITY_P_MIN)
    for (let kept = 0; kept <= masks.length; kept++) {
      const residual = maskedInput(cohort, victim)
      masks.forEach(({ key, sign }, i) => {
        if (i !== kept) expandInto(residual, key, sign === 1 ? -1 : 1, cohort.crypto)
      })
      if (kept < masks.length) expect(laneUniformity(residual).p, `mask ${kept} kept`).to.be.above(1e-4)
      else expect(residual).to.deep.equal(victim.input)
    }
  })

  it('two broken builds fail the same test: no self mask after a late arrival, and one pad used twice', () => {
    const cohort = cohortOf(4, 16, 8192, 5, smallInput)
    const victim = cohort.members[0]!
    const { selfKey, pairs } = masksOf(cohort, victim)
    // Without the self mask, the mask key that is opened for a peer declared dropped opens its late input.
    const late = victim.input.slice()
    for (const { key, sign } of pairs) expandInto(late, key, sign, cohort.crypto)
    for (const { key, sign } of pairs) expandInto(late, key, sign === 1 ? -1 : 1, cohort.crypto)
    expect(laneUniformity(late).p).to.be.below(UNIFORMITY_P_MIN)
    // The same seeds in a second attempt: the difference of the two is free of masks.
    const first = maskInput(victim.input, selfKey, pairs, cohort.crypto)
    const second = maskInput(smallInput(16, 8192, 77), selfKey, pairs, cohort.crypto)
    subtractLanes(first, second)
    expect(laneUniformity(first).p).to.be.below(UNIFORMITY_P_MIN)
  })

  it('every mask of a cohort has its own key', () => {
    const cohort = cohortOf(9, 16, 4, 6)
    const keys = cohort.members.flatMap(member => {
      const { selfKey, pairs } = masksOf(cohort, member)
      return [selfKey, ...pairs.filter(({ sign }) => sign === 1).map(({ key }) => key)]
    })
    expect(new Set(keys.map(toHex)).size).to.equal(9 + (9 * 8) / 2)
  })

  it('leaves the input as it is', () => {
    const cohort = cohortOf(3, 32, 50, 7)
    const before = cohort.members[0]!.input.slice()
    maskedInput(cohort, cohort.members[0]!)
    expect(cohort.members[0]!.input).to.deep.equal(before)
  })

  it('refuses no inputs, a missing self key, inputs of different lengths', () => {
    const { crypto } = cohortOf(3, 16, 1, 8)
    const key = new Uint8Array(32)
    const [short, long] = [zeroLanes(16, 2), zeroLanes(16, 3)]
    const refuses = (inputs: Lanes[], selfKeys: Uint8Array[], code: string) => {
      expect(() => unmaskSum({ inputs, selfKeys, droppedPairMasks: [] }, crypto))
        .to.throw(AggregationError)
        .with.property('code', code)
    }
    refuses([], [], 'TOO_FEW')
    refuses([short, short], [key], 'LENGTH_MISMATCH')
    refuses([short, long], [key, key], 'LENGTH_MISMATCH')
  })
})
