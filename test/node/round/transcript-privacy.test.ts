import { expect } from 'chai'
import { layoutOf } from '../../../aggregation/adapter-layout.ts'
import { expandInto } from '../../../aggregation/mask.ts'
import { bytesOfLanes, type Lanes, subtractLanes } from '../../../aggregation/ring.ts'
import type { Secrets } from '../../../node/round/round-state.ts'
import type { Effect } from '../../../node/round/round-types.ts'
import { faultsOf, quorumOf } from '../../../protocols/quorum.ts'
import { Transcript } from '../../support/adversary.ts'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { linkKinds, plainSum } from '../../support/cluster-claims.ts'
import { type ClusterOptions, RoundCluster } from '../../support/round-cluster.ts'
import { laneUniformity, UNIFORMITY_P_MIN } from '../../support/uniformity.ts'

const n = 7
const t = quorumOf(n)
const f = faultsOf(n)

/** 2,600 weights in either factor: enough lanes for 256 bins. */
const wideLayout = layoutOf(
  (['A', 'B'] as const).map(factor => ({
    name: `base_model.model.model.layers.0.self_attn.q_proj.lora_${factor}.weight`,
    factor,
    shape: factor === 'A' ? [2, 1300] : [1300, 2]
  }))
)

interface Recorded {
  readonly cluster: RoundCluster
  readonly transcript: Transcript
  readonly ids: readonly string[]
  secretsOf(ids: readonly string[]): Map<string, Secrets>
  inputOf(id: string): Lanes
}

/** One round, everything on record, and every member's secrets as they were before they were erased. */
function record(rest: Partial<ClusterOptions> = {}, kinds: readonly string[] = ['result']): Recorded {
  const secrets = new Map<string, Secrets>()
  const rounds = kinds.filter(kind => kind === 'result').length
  const run = testRun(n, { rounds, strategy: 'ffa', deadlines: testDeadlines }, wideLayout)
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 21,
    ...rest,
    onEffect: (id, effect, nowMs) => {
      const { attempt } = cluster.peer(id).state
      if (attempt?.secrets && attempt.round === 0 && !secrets.has(id)) {
        const { maskSecret, encryptionSecret, selfSeed } = attempt.secrets
        secrets.set(id, {
          maskSecret: maskSecret.slice(),
          encryptionSecret: encryptionSecret.slice(),
          selfSeed: selfSeed.slice()
        })
      }
      return rest.onEffect?.(id, effect, nowMs) ?? true
    }
  })
  expect(cluster.start().finish(120_000)).to.equal(true)
  expect(linkKinds(cluster)).to.deep.equal(kinds)
  return {
    cluster,
    transcript: new Transcript(cluster),
    ids: [...cluster.peers.keys()],
    secretsOf: ids => new Map(ids.map(id => [id, secrets.get(id)!])),
    inputOf: id => cluster.peer(id).inputs.get('0.0')!
  }
}

const pOf = (lanes: Lanes) => laneUniformity(lanes).p
const dying =
  (...ids: string[]) =>
  (id: string, effect: Effect) =>
    !(ids.includes(id) && effect.type === 'gossip' && effect.message.type === 'masked-input')

/** Members in id order, which says nothing about their rank. */
const members = testRun(n).members.map(({ id }) => id)
const [victim, partner] = members as [string, string]
const others = members.filter(id => id !== victim)

describe('what a round says about one member (the whole transcript, and c colluders)', () => {
  const whole = record()
  const halved = record({ onEffect: dying(members[5]!, members[6]!) })

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

  for (const [name, recorded] of [
    ['everyone survives', whole],
    ['two drop out, their keys recovered', halved]
  ] as const) {
    it(`${name}: any c <= |S| - 2 colluders below t are left with noise`, () => {
      const { transcript } = recorded
      const alive = transcript.survivors
      expect(alive).to.have.lengthOf(recorded === whole ? n : t)
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
      const { cluster, transcript } = recorded
      const sum = plainSum(cluster, 0, 0, transcript.survivors)
      for (const { sums } of cluster.alive) expect(sums.get('0.0')).to.deep.equal(sum)
    })

    it(`${name}: no input, and no secret that must stay one, lies in what travelled`, () => {
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

  it('a late input of a member declared dropped is hidden by its self mask alone', () => {
    const late = record({
      deliver: (from, _to, { type }) => !(from === victim && type === 'masked-input')
    })
    expect(late.transcript.survivors).to.not.include(victim)
    expect(late.transcript.survivors).to.have.lengthOf(n - 1)
    for (const c of [0, f, t - 1]) {
      const { residual, derived } = late.transcript.residualOf(victim, late.secretsOf(others.slice(0, c)))
      expect([...derived].sort(), 'every pair mask').to.deep.equal([...others].sort())
      expect(pOf(residual), `${c} colluders`).to.be.above(UNIFORMITY_P_MIN)
    }
    // And the sum is that of the others.
    const sum = plainSum(late.cluster, 0, 0, late.transcript.survivors)
    for (const { sums } of late.cluster.alive) expect(sums.get('0.0')).to.deep.equal(sum)
  })

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
  type MaskEffect = Effect & { type: 'mask' }

  /** Members mask in another way in the first round. */
  const masking = (change: (id: string, effect: MaskEffect) => Partial<MaskEffect>) => ({
    instead: (id: string, effect: Effect): Effect[] =>
      effect.type === 'mask' && effect.round === 0 ? [{ ...effect, ...change(id, effect) }] : [effect]
  })
  /** Whom the masks of a member are with, in their order: that of the roster, which is that of the ids. */
  const pairsOf = (id: string) => members.filter(other => other !== id)

  function expectLaidBare({ inputOf }: Recorded, residual: Lanes): void {
    expect(residual).to.deep.equal(inputOf(victim))
    expect(pOf(residual)).to.be.below(UNIFORMITY_P_MIN)
  }

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

  it('with a self mask that everybody knows, once the member counts as dropped', () => {
    const selfKey = new Uint8Array(32).fill(4)
    const broken = record({
      ...masking(id => (id === victim ? { selfKey } : {})),
      deliver: (from, _to, { type }) => !(from === victim && type === 'masked-input')
    })
    const { residual } = broken.transcript.residualOf(victim, new Map())
    expandInto(residual, selfKey, -1, broken.cluster.crypto)
    expectLaidBare(broken, residual)
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
