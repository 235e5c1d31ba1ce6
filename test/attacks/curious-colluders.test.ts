import { expect } from 'chai'
import { bytesOfLanes, subtractLanes } from '../../aggregation/ring.ts'
import { Transcript } from '../support/adversary.ts'
import { plainSum } from '../support/cluster-claims.ts'
import {
  dying,
  expectLaidBare,
  masking,
  members,
  n,
  others,
  partner,
  pOf,
  type Recorded,
  record,
  t,
  victim
} from '../support/recorded-round.ts'
import { UNIFORMITY_P_MIN } from '../support/uniformity.ts'

describe('what a round says about one member (the whole transcript, and c colluders)', () => {
  let whole: Recorded
  let halved: Recorded
  before(() => {
    whole = record()
    halved = record({ onEffect: dying(members[5]!, members[6]!) })
  })

  it('an input by itself is far from uniform, so that the test can fail', () => {
    for (const id of whole.ids) expect(pOf(whole.inputOf(id))).to.be.below(UNIFORMITY_P_MIN)
  })

  it('an adversary with every other member sees the input, to the last bit: nothing derivable is left out', () => {
    const { residual, derived } = whole.transcript.residualOf(victim, whole.secretsOf(others))
    expect(residual).to.deep.equal(whole.inputOf(victim))
    expect([...derived].sort()).to.deep.equal(['self', ...others].sort())
    // t colluders hold t shares of its mask key: no more is needed.
    const enough = whole.transcript.residualOf(victim, whole.secretsOf(others.slice(0, t)))
    expect(enough.residual).to.deep.equal(whole.inputOf(victim))
  })

  for (const [name, survivors, recordedOf] of [
    ['everyone survives', n, () => whole],
    ['two drop out, their keys recovered', t, () => halved]
  ] as const) {
    it(`${name}: any c <= |S| - 2 colluders below t are left with noise`, () => {
      const recorded = recordedOf()
      const { transcript } = recorded
      const alive = transcript.survivors
      expect(alive).to.have.lengthOf(survivors)
      for (const target of alive) {
        const rest = alive.filter(id => id !== target)
        for (let c = 0; c <= Math.min(alive.length - 2, t - 1); c++) {
          const { residual, derived } = transcript.residualOf(target, recorded.secretsOf(rest.slice(0, c)))
          expect(derived.length, 'self, colluders, dropped').to.equal(1 + c + (n - alive.length))
          expect(pOf(residual), `${target} against ${c}`).to.be.above(UNIFORMITY_P_MIN)
        }
      }
    })

    it(`${name}: the sum that is opened is the plain sum of the quantised inputs, to the last bit`, () => {
      const { cluster, transcript } = recordedOf()
      const sum = plainSum(cluster, 0, 0, transcript.survivors)
      for (const { sums } of cluster.alive) expect(sums.get('0.0')).to.deep.equal(sum)
    })

    it(`${name}: no input, and no secret that must stay one, lies in what travelled`, () => {
      const recorded = recordedOf()
      const { transcript, cluster } = recorded
      const all = Buffer.concat(transcript.bytes())
      const secrets = recorded.secretsOf(members.filter(id => cluster.peer(id).inputs.has('0.0')))
      for (const [id, { maskSecret, encryptionSecret, selfSeed }] of secrets) {
        expect(all.includes(Buffer.from(encryptionSecret)), `${id}: encryption key`).to.equal(false)
        expect(all.includes(Buffer.from(maskSecret)), `${id}: mask key`).to.equal(false)
        expect(all.includes(Buffer.from(selfSeed)), `${id}: self-mask seed`).to.equal(false)
        const input = Buffer.from(bytesOfLanes(recorded.inputOf(id)))
        for (let at = 0; at + 12 <= input.length; at += 12)
          expect(all.includes(input.subarray(at, at + 12)), `${id}: input at ${at}`).to.equal(false)
      }
    })
  }

  it('the same member in two rounds: the difference of its masked inputs says nothing', () => {
    const twice = record({}, ['result', 'result'])
    const [first, second] = [0, 1].map(round => new Transcript(twice.cluster, round).maskedInputOf(victim))
    expect(first).to.not.deep.equal(second)
    const difference = first!.slice()
    subtractLanes(difference, second!)
    expect(pOf(difference)).to.be.above(UNIFORMITY_P_MIN)
  })
})

describe('a broken build fails the same test', () => {
  /** Whom the masks of a member are with, in their order: that of the roster, which is that of the ids. */
  const pairsOf = (id: string) => members.filter(other => other !== id)

  it('with the self mask alone: whoever reads the transcript has the input', () => {
    const broken = record(masking(() => ({ pairMasks: [] })))
    const { residual, derived } = broken.transcript.residualOf(victim, new Map())
    expect(derived).to.deep.equal(['self'])
    expectLaidBare(broken, residual)
  })

  it('with the one pair mask left out that the colluders cannot derive', () => {
    const leftOut = masking((id, { pairMasks }) => {
      const other = id === victim ? partner : id === partner ? victim : null
      return { pairMasks: pairMasks.filter((_, i) => pairsOf(id)[i] !== other) }
    })
    const broken = record({ ...leftOut, onEffect: dying(members[5]!, members[6]!) })
    const colluders = broken.transcript.survivors.filter(id => id !== victim && id !== partner)
    expect(colluders).to.have.lengthOf(t - 2)
    const all = broken.transcript.residualOf(victim, broken.secretsOf(colluders))
    expect(all.derived).to.not.include(partner)
    expectLaidBare(broken, all.residual)
    // With one honest member more than the two, what is left out does not show yet.
    const fewer = broken.transcript.residualOf(victim, broken.secretsOf(colluders.slice(1)))
    expect(pOf(fewer.residual)).to.be.above(UNIFORMITY_P_MIN)
  })

  it('with pair masks from a public seed', () => {
    const publicSeed = (a: string, b: string) => {
      const text = [a, b].sort().join()
      return Uint8Array.from({ length: 32 }, (_, i) => text.charCodeAt(i + 15) ^ text.charCodeAt(i + 68))
    }
    const broken = record(
      masking((id, { pairMasks }) => ({
        pairMasks: pairMasks.map((mask, i) => ({ ...mask, key: publicSeed(id, pairsOf(id)[i]!) }))
      }))
    )
    expectLaidBare(broken, broken.transcript.residualOf(victim, new Map(), publicSeed).residual)
    // Without knowing of it the adversary sees noise: the test must be told what is public.
    expect(pOf(broken.transcript.residualOf(victim, new Map()).residual)).to.be.above(UNIFORMITY_P_MIN)
  })

  it('with no masks at all: the input lies among the bytes', () => {
    const broken = record(
      masking((id, { selfKey }) => (id === victim ? { pairMasks: [{ key: selfKey, sign: -1 }] } : {})),
      ['lost', 'result']
    )
    const all = Buffer.concat(broken.transcript.bytes())
    const input = Buffer.from(bytesOfLanes(broken.inputOf(victim)))
    expect(all.includes(input.subarray(0, 12))).to.equal(true)
    expect(all.includes(input)).to.equal(true)
  })
})
