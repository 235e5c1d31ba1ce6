import type { AdapterFactor, AdapterLayout } from './adapter-layout.ts'
import { utf8Bytes } from './canonical-bytes.ts'
import type { DecodedSum } from './encoding.ts'
import { AggregationError } from './errors.ts'
import { weightedMean } from './fedavg.ts'
import { bytesOfLanes, lanesOfBytes } from './ring.ts'
import { type FactorCounters, type ServerOptimizer, zeroCounters } from './server-optimizer.ts'
import type { Strategy } from './strategies.ts'
import { checkLength } from './vector.ts'

/** The (epsilon, delta) that a run has spent so far. */
export interface PrivacySpent {
  readonly epsilon: number
  readonly delta: number
}

/**
 * All that is the same on every member after a link, and the whole of what a late peer needs: nothing else may
 * influence the next round's sum. Treated as immutable.
 */
export interface ReplicatedState {
  /** The global adapter [d]. */
  readonly adapter: Float32Array
  /** The server optimizer's moments [d]; zero where it keeps none. */
  readonly moment1: Float32Array
  readonly moment2: Float32Array
  readonly countersByFactor: Readonly<Record<AdapterFactor, FactorCounters>>
  /** Rounds that changed the adapter; aborted and lost ones do not count. */
  readonly completedRounds: number
  /** L2 bound of one peer's delta in the next round. */
  readonly clipNorm: number
  /** Null while the run adds no noise: then there is no guarantee to account for. */
  readonly privacySpent: PrivacySpent | null
}

/**
 * The state before the first round.
 * @param adapter - shape [d], the same on every peer by the manifest's seed; copied
 * @throws AggregationError NON_FINITE, naming the coordinate; BAD_SETTING
 */
export function initialState(adapter: Float32Array, clipNorm: number): ReplicatedState {
  if (!(clipNorm > 0 && Number.isFinite(clipNorm))) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'clipNorm',
      got: clipNorm,
      expected: 'finite and > 0'
    })
  }
  const coordinate = adapter.findIndex(x => !Number.isFinite(x))
  if (coordinate >= 0) throw new AggregationError('NON_FINITE', { coordinate })
  return {
    // Minus zero becomes zero: equal values must have equal bytes.
    adapter: adapter.map(x => x + 0),
    moment1: new Float32Array(adapter.length),
    moment2: new Float32Array(adapter.length),
    countersByFactor: { A: zeroCounters, B: zeroCounters },
    completedRounds: 0,
    clipNorm,
    privacySpent: null
  }
}

/**
 * The server step: the weighted mean of the survivors' deltas applied to the factors that this round trains. Every
 * member computes it for itself and signs the hash of the result. The given state is not changed.
 * @param sum - of the trained factors' coordinates, in the layout's order (as gatherSpans lays them)
 * @throws AggregationError LENGTH_MISMATCH if sum, state and layout do not belong together; NON_FINITE
 */
export function applyRound(
  state: ReplicatedState,
  sum: DecodedSum,
  strategy: Strategy,
  optimizer: ServerOptimizer,
  layout: AdapterLayout
): ReplicatedState {
  checkLength(layout.length, state.adapter.length)
  const factors = strategy.factorsOf(state.completedRounds)
  const trained = layout.tensors.filter(tensor => factors.includes(tensor.factor))
  checkLength(
    trained.reduce((total, tensor) => total + tensor.length, 0),
    sum.weightedSum.length
  )
  const counters = { ...state.countersByFactor }
  for (const factor of factors) counters[factor] = optimizer.advance(counters[factor])
  const next = {
    adapter: state.adapter.slice(),
    moment1: state.moment1.slice(),
    moment2: state.moment2.slice()
  }
  const mean = weightedMean(sum)
  let at = 0
  for (const tensor of trained) {
    optimizer.step(next, tensor, mean.subarray(at, at + tensor.length), counters[tensor.factor])
    at += tensor.length
  }
  return { ...state, ...next, countersByFactor: counters, completedRounds: state.completedRounds + 1 }
}

const MAGIC = utf8Bytes('fedpeft state\0\0\0')

const FORMAT_VERSION = 1

/** Magic, version, d, completed rounds, flags, clip norm, privacy, two factors' counters: all of them 8-byte aligned. */
const HEADER_BYTES = 16 + 4 * 4 + 3 * 8 + 2 * 3 * 8

const FLAG_PRIVACY = 1
const FLAG_MOMENT1 = 2
const FLAG_MOMENT2 = 4

/**
 * The state as canonical little-endian bytes: equal states have equal bytes, so their hash is the state's name. Layout:
 * magic [16]; uint32 version, d, completed rounds, flags; float64 clip norm, epsilon, delta; per factor (A, B) float64
 * steps, beta1 power, beta2 power; float32 adapter [d]; float32 moment1 [d] and moment2 [d], each only if not all zero.
 * @throws AggregationError BAD_STATE for what decodeState would refuse
 */
export function encodeState(state: ReplicatedState): Uint8Array {
  const { adapter, moment1, moment2, privacySpent } = state
  const withMoment1 = moment1.some(x => x !== 0)
  const withMoment2 = moment2.some(x => x !== 0)
  const flags =
    (privacySpent === null ? 0 : FLAG_PRIVACY) |
    (withMoment1 ? FLAG_MOMENT1 : 0) |
    (withMoment2 ? FLAG_MOMENT2 : 0)
  const vectors = [adapter, ...(withMoment1 ? [moment1] : []), ...(withMoment2 ? [moment2] : [])]
  const out = new Uint8Array(HEADER_BYTES + vectors.length * 4 * adapter.length)
  const view = new DataView(out.buffer)
  out.set(MAGIC)
  const integers = [FORMAT_VERSION, adapter.length, state.completedRounds, flags]
  integers.forEach((value, i) => {
    view.setUint32(MAGIC.length + 4 * i, value, true)
  })
  const { A, B } = state.countersByFactor
  const counters = [A, B].flatMap(({ steps, beta1Power, beta2Power }) => [steps, beta1Power, beta2Power])
  const floats = [state.clipNorm, privacySpent?.epsilon ?? 0, privacySpent?.delta ?? 0, ...counters]
  floats.forEach((value, i) => {
    view.setFloat64(MAGIC.length + 16 + 8 * i, value, true)
  })
  vectors.forEach((vector, i) => {
    checkLength(adapter.length, vector.length)
    const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length)
    out.set(bytesOfLanes(words), HEADER_BYTES + i * 4 * adapter.length)
  })
  // One place knows what a valid state is; a state that no peer would accept must not get a name.
  decodeState(out, adapter.length)
  return out
}

/**
 * How long an encoded state is, by its first bytes: for whoever keeps one without knowing the adapter.
 * @returns null if no state begins so
 */
export function encodedStateLength(beginning: Uint8Array): number | null {
  const view = new DataView(beginning.buffer, beginning.byteOffset, beginning.byteLength)
  if (beginning.length < HEADER_BYTES || !MAGIC.every((byte, i) => beginning[i] === byte)) return null
  const integer = (i: number) => view.getUint32(MAGIC.length + 4 * i, true)
  const flags = integer(3)
  if (integer(0) !== FORMAT_VERSION || flags > (FLAG_PRIVACY | FLAG_MOMENT1 | FLAG_MOMENT2)) return null
  return HEADER_BYTES + vectorsOf(flags) * 4 * integer(1)
}

function vectorsOf(flags: number): number {
  return 1 + ((flags & FLAG_MOMENT1) >> 1) + ((flags & FLAG_MOMENT2) >> 2)
}

/**
 * Reads what encodeState wrote. The length is checked before anything is allocated, so a hostile blob costs nothing.
 * @param expectedLength - d, from the layout
 * @throws AggregationError BAD_STATE
 */
export function decodeState(bytes: Uint8Array, expectedLength: number): ReplicatedState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_BYTES) refuse('shorter than its header', { got: bytes.length })
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) refuse('not a fedpeft state')
  const integer = (i: number) => view.getUint32(MAGIC.length + 4 * i, true)
  const float = (i: number) => view.getFloat64(MAGIC.length + 16 + 8 * i, true)
  if (integer(0) !== FORMAT_VERSION)
    refuse('another format version', { got: integer(0), expected: FORMAT_VERSION })
  if (integer(1) !== expectedLength) refuse('another adapter', { got: integer(1), expected: expectedLength })
  const flags = integer(3)
  if (flags > (FLAG_PRIVACY | FLAG_MOMENT1 | FLAG_MOMENT2)) refuse('unknown flags', { got: flags })
  const expected = HEADER_BYTES + vectorsOf(flags) * 4 * expectedLength
  if (bytes.length !== expected) refuse('wrong length', { got: bytes.length, expected })
  let at = 0
  const vector = (flag: number) =>
    (flags & flag) === flag
      ? readVector(bytes, at++, expectedLength, flag !== 0)
      : new Float32Array(expectedLength)
  const state: ReplicatedState = {
    adapter: vector(0),
    moment1: vector(FLAG_MOMENT1),
    moment2: vector(FLAG_MOMENT2),
    countersByFactor: { A: readCounters(float, 3), B: readCounters(float, 6) },
    completedRounds: integer(2),
    clipNorm: float(0),
    privacySpent: (flags & FLAG_PRIVACY) === 0 ? null : { epsilon: float(1), delta: float(2) }
  }
  checkScalars(state, float(1), float(2))
  return state
}

/** The i-th vector behind the header. Whatever would give two spellings of one state is refused. */
function readVector(bytes: Uint8Array, index: number, length: number, mustNotBeZero: boolean): Float32Array {
  const start = HEADER_BYTES + index * 4 * length
  const words = lanesOfBytes(bytes.subarray(start, start + 4 * length), 32).slice()
  const vector = new Float32Array(words.buffer, words.byteOffset, length)
  const coordinate = vector.findIndex(x => !Number.isFinite(x) || Object.is(x, -0))
  if (coordinate >= 0) refuse('NaN, infinity or minus zero', { vector: index, coordinate })
  if (mustNotBeZero && vector.every(x => x === 0)) refuse('a vector of zeros written out', { vector: index })
  return vector
}

function readCounters(float: (i: number) => number, first: number): FactorCounters {
  const [steps, beta1Power, beta2Power] = [float(first), float(first + 1), float(first + 2)]
  const isPower = (x: number) => x >= 0 && x <= 1 && !Object.is(x, -0)
  const isCount = Number.isSafeInteger(steps) && steps >= 0 && !Object.is(steps, -0)
  if (!isCount || !isPower(beta1Power) || !isPower(beta2Power)) {
    refuse('impossible step counters', { steps, beta1Power, beta2Power })
  }
  return { steps, beta1Power, beta2Power }
}

function checkScalars(state: ReplicatedState, epsilon: number, delta: number): void {
  const { clipNorm, privacySpent } = state
  if (!(clipNorm > 0 && Number.isFinite(clipNorm))) refuse('impossible clip norm', { clipNorm })
  const plainZero = Object.is(epsilon, 0) && Object.is(delta, 0)
  if (privacySpent === null && !plainZero) refuse('privacy spent without its flag', { epsilon, delta })
  const possible =
    epsilon >= 0 && Number.isFinite(epsilon) && !Object.is(epsilon, -0) && delta >= 0 && delta < 1
  if (!possible || Object.is(delta, -0)) refuse('impossible privacy spent', { epsilon, delta })
}

function refuse(reason: string, data: Record<string, unknown> = {}): never {
  throw new AggregationError('BAD_STATE', { reason, ...data }, `replicated state refused: ${reason}`)
}
