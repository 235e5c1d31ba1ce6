import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { layoutOf } from '../../aggregation/adapter-layout.ts'
import { AggregationError, type AggregationErrorCode } from '../../aggregation/errors.ts'
import {
  applyRound,
  decodeState,
  encodeState,
  initialState,
  type ReplicatedState
} from '../../aggregation/replicated-state.ts'
import { fedadam, fedavg } from '../../aggregation/server-optimizer.ts'
import { fedit, ffa, rolora } from '../../aggregation/strategies.ts'
import { toHex } from '../support/bytes.ts'
import { type ServerStepVectors, serverSteps } from '../support/server-step-vectors.ts'

const golden: ServerStepVectors = JSON.parse(
  readFileSync(new URL('../golden/server-step.json', import.meta.url), 'utf8')
)

const layout = layoutOf([
  { name: 'm0.lora_A', factor: 'A', shape: [1, 2] },
  { name: 'm0.lora_B', factor: 'B', shape: [2, 1] },
  { name: 'm1.lora_A', factor: 'A', shape: [1, 3] },
  { name: 'm1.lora_B', factor: 'B', shape: [1, 1] }
])
const start = initialState(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 1)
const sumOf = (...values: number[]) => ({
  weightedSum: Float64Array.from(values),
  weightSum: 2,
  meanMetrics: []
})

function refusal(run: () => unknown, code: AggregationErrorCode, reason?: string): void {
  expect(run).to.throw(AggregationError).with.property('code', code)
  if (reason !== undefined) expect(run).to.throw(reason)
}

describe('server step: golden vectors', () => {
  for (const stepCase of golden.cases) {
    const { strategy, optimizer, rounds } = stepCase
    it(`${strategy}, ${JSON.stringify(optimizer)}: the state after each round, bit for bit`, () => {
      expect(serverSteps(golden, stepCase)).to.deep.equal(rounds.map(({ state }) => state))
    })
  }
})

describe('applyRound', () => {
  it('fedit moves everything by the weighted mean', () => {
    const next = applyRound(start, sumOf(2, 2, 4, 4, 6, 6, 6, 8), fedit, fedavg(), layout)
    expect([...next.adapter]).to.deep.equal([2, 3, 5, 6, 8, 9, 10, 12])
    expect(next.completedRounds).to.equal(1)
  })

  it('ffa moves B only, rolora B then A, each with its own counters', () => {
    const afterB = applyRound(start, sumOf(2, 2, 2), rolora, fedavg(), layout)
    expect([...afterB.adapter]).to.deep.equal([1, 2, 4, 5, 5, 6, 7, 9])
    expect(afterB).to.deep.equal(applyRound(start, sumOf(2, 2, 2), ffa, fedavg(), layout))
    expect(afterB.countersByFactor.A.steps).to.equal(0)
    expect(afterB.countersByFactor.B.steps).to.equal(1)
    const afterA = applyRound(afterB, sumOf(4, 4, 4, 4, 4), rolora, fedavg(), layout)
    expect([...afterA.adapter]).to.deep.equal([3, 4, 4, 5, 7, 8, 9, 9])
    expect(afterA.countersByFactor.A.steps).to.equal(1)
    expect(afterA.countersByFactor.B.steps).to.equal(1)
  })

  it('leaves the given state as it is', () => {
    const before = toHex(encodeState(start))
    applyRound(start, sumOf(1, 1, 1), ffa, fedadam({ learningRate: 1 }), layout)
    expect(toHex(encodeState(start))).to.equal(before)
  })

  it('refuses a sum of another length, another layout, weights of nothing, garbage', () => {
    refusal(() => applyRound(start, sumOf(1, 1), ffa, fedavg(), layout), 'LENGTH_MISMATCH')
    refusal(() => applyRound(start, sumOf(1, 1, 1), ffa, fedavg(), layoutOf([])), 'LENGTH_MISMATCH')
    const weightless = { ...sumOf(1, 1, 1), weightSum: 0 }
    refusal(() => applyRound(start, weightless, ffa, fedavg(), layout), 'TOO_FEW')
    refusal(() => applyRound(start, sumOf(1, Number.NaN, 1), ffa, fedavg(), layout), 'NON_FINITE')
  })
})

/** Any state that a run can reach, and a good many that it cannot. */
const float = fc.oneof(
  fc.constant(0),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map(x => x + 0)
)
const counters = fc.record({
  steps: fc.nat(),
  beta1Power: fc.double({ min: 0, max: 1, noNaN: true }).map(x => x + 0),
  beta2Power: fc.double({ min: 0, max: 1, noNaN: true }).map(x => x + 0)
})
const states = fc.nat(20).chain((length): fc.Arbitrary<ReplicatedState> => {
  const vector = fc.oneof(
    fc.constant(new Float32Array(length)),
    fc.array(float, { minLength: length, maxLength: length }).map(values => Float32Array.from(values))
  )
  return fc.record({
    adapter: vector,
    moment1: vector,
    moment2: vector,
    countersByFactor: fc.record({ A: counters, B: counters }),
    completedRounds: fc.nat(2 ** 32 - 1),
    clipNorm: fc.double({ min: 1e-300, max: 1e300, noNaN: true }),
    privacySpent: fc.option(
      fc.record({
        epsilon: fc.double({ min: 0, max: 1e6, noNaN: true }).map(x => x + 0),
        delta: fc.double({ min: 0, max: 0.5, noNaN: true }).map(x => x + 0)
      })
    )
  })
})

describe('replicated state as bytes', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(states, state => {
        expect(decodeState(encodeState(state), state.adapter.length)).to.deep.equal(state)
      })
    )
  })

  it('is canonical: bytes with one bit flipped are refused, or are another state with exactly those bytes', () => {
    fc.assert(
      fc.property(states, fc.nat(), (state, at) => {
        const bytes = encodeState(state)
        bytes[(at >> 3) % bytes.length]! ^= 1 << (at & 7)
        let other: ReplicatedState
        try {
          other = decodeState(bytes, state.adapter.length)
        } catch (error) {
          expect((error as AggregationError).code).to.equal('BAD_STATE')
          return
        }
        expect(toHex(encodeState(other))).to.equal(toHex(bytes))
      }),
      { numRuns: 1000 }
    )
  })

  it('refuses any bytes at all without harm', () => {
    const header = encodeState(start).subarray(0, 60)
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map(tail => Uint8Array.of(...header, ...tail))
    )
    fc.assert(
      fc.property(bytes, fc.nat(10), (hostile, length) => {
        try {
          decodeState(hostile, length)
        } catch (error) {
          expect((error as AggregationError).code).to.equal('BAD_STATE')
        }
      })
    )
  })

  it('reads from any alignment', () => {
    const bytes = encodeState(start)
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect(decodeState(shifted.subarray(1), 8)).to.deep.equal(start)
    expect(decodeState(Buffer.from(shifted).subarray(1), 8)).to.deep.equal(start)
  })

  it('leaves moments of zeros out', () => {
    expect(encodeState(start).length).to.equal(104 + 4 * 8)
    const adam = applyRound(start, sumOf(1, 1, 1), ffa, fedadam({ learningRate: 1 }), layout)
    expect(encodeState(adam).length).to.equal(104 + 3 * 4 * 8)
  })

  describe('refuses', () => {
    const bytes = encodeState(start)
    const patched = (change: (view: DataView) => void) => {
      const copy = bytes.slice()
      change(new DataView(copy.buffer))
      return () => decodeState(copy, 8)
    }
    const cases: Record<string, [() => unknown, string]> = {
      'a truncated state': [() => decodeState(bytes.subarray(0, bytes.length - 1), 8), 'wrong length'],
      'bytes behind it': [() => decodeState(Uint8Array.of(...bytes, 0), 8), 'wrong length'],
      'nothing at all': [() => decodeState(new Uint8Array(0), 8), 'shorter than its header'],
      'another magic': [patched(view => view.setUint8(0, 0)), 'not a fedpeft state'],
      'another version': [patched(view => view.setUint32(16, 2, true)), 'another format version'],
      'another adapter length': [() => decodeState(bytes, 9), 'another adapter'],
      'a huge length, before anything is allocated': [
        patched(view => view.setUint32(20, 0xffffffff, true)),
        'another adapter'
      ],
      'unknown flags': [patched(view => view.setUint32(28, 8, true)), 'unknown flags'],
      'a clip norm of zero': [patched(view => view.setFloat64(32, 0, true)), 'impossible clip norm'],
      'privacy spent without its flag': [patched(view => view.setFloat64(40, 1, true)), 'without its flag'],
      'half a step': [patched(view => view.setFloat64(56, 0.5, true)), 'impossible step counters'],
      NaN: [patched(view => view.setFloat32(104, Number.NaN, true)), 'NaN, infinity or minus zero'],
      'minus zero': [patched(view => view.setFloat32(104, -0, true)), 'NaN, infinity or minus zero']
    }
    for (const [name, [run, reason]] of Object.entries(cases)) {
      it(name, () => refusal(run, 'BAD_STATE', reason))
    }

    it('moments of zeros written out', () => {
      const long = new Uint8Array(bytes.length + 32)
      long.set(bytes)
      new DataView(long.buffer).setUint32(28, 2, true)
      refusal(() => decodeState(long, 8), 'BAD_STATE', 'a vector of zeros written out')
    })

    it('to name a state that no peer would accept', () => {
      refusal(() => encodeState({ ...start, clipNorm: Number.NaN }), 'BAD_STATE')
      refusal(() => encodeState({ ...start, adapter: Float32Array.of(Number.NaN) }), 'BAD_STATE')
      const moment1 = Float32Array.of(1)
      refusal(() => encodeState({ ...start, moment1 }), 'LENGTH_MISMATCH')
    })
  })
})

describe('initialState', () => {
  it('copies the adapter and makes minus zero zero', () => {
    const adapter = Float32Array.of(-0, 1)
    const state = initialState(adapter, 0.5)
    adapter[1] = 9
    expect(Object.is(state.adapter[0], 0)).to.equal(true)
    expect(state.adapter[1]).to.equal(1)
    expect(state).to.deep.include({ completedRounds: 0, clipNorm: 0.5, privacySpent: null })
  })

  it('refuses an adapter that is not finite, and a clip norm that bounds nothing', () => {
    refusal(() => initialState(Float32Array.of(0, Infinity), 1), 'NON_FINITE')
    for (const clipNorm of [0, -1, Infinity, Number.NaN]) {
      refusal(() => initialState(new Float32Array(1), clipNorm), 'BAD_SETTING')
    }
  })
})
