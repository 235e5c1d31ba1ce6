/** Whole runs with privacy noise, trained and added up by the peers' own code, with and without one member's data. */
import { gatherSpans, layoutOf, spansOf } from '../../aggregation/adapter-layout.ts'
import { clipToNorm } from '../../aggregation/clip.ts'
import { type PrivateEncoding, privateIntegersOf, privateLaneCount } from '../../aggregation/private-input.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { ReplicatedState } from '../../aggregation/replicated-state.ts'
import { addLanes, zeroLanes } from '../../aggregation/ring.ts'
import {
  encodePrivateTraining,
  initialStateOf,
  mechanismsOf,
  privateEncodingOf,
  privateServerStep
} from '../../node/peer/private-round.ts'
import { epsilonOfRounds } from '../../protocols/privacy-account.ts'
import { parseManifest, type RunManifest } from '../../protocols/run-manifest.ts'
import { leastManifest } from './manifests.ts'
import type { AuditSample } from './privacy-audit.ts'
import type { Planted } from './private-rounds.ts'

const MEMBERS = 7
const SURVIVORS = 5

const layout = layoutOf([
  { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', factor: 'A', shape: [1, 3] },
  { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', factor: 'B', shape: [9, 1] }
])

const spans = spansOf(layout, ['B'])

export function trainedManifest(privacy: Record<string, unknown>, rounds: number): RunManifest {
  return parseManifest({
    ...leastManifest,
    strategy: 'ffa',
    rounds,
    privacy,
    cohort: { founders: MEMBERS },
    secureSum: { clipNorm: 0.5, ringBits: 20 }
  })
}

/** What all rounds of the run cost. */
export function trainedEpsilon(manifest: RunManifest): number {
  const { privacy, rounds } = manifest
  if (privacy.mechanism === 'none') throw new Error('nothing to audit')
  return epsilonOfRounds([mechanismsOf(manifest, layout)(MEMBERS, 0)!], rounds, privacy.delta)
}

/** Every member is drawn to where its data say; the audited one's lie far off. */
function trained({ adapter }: Pick<ReplicatedState, 'adapter'>, member: number): Float32Array {
  const random = seededRandom(member)
  const after = adapter.slice()
  for (const { offset, length } of spans) {
    for (let i = offset; i < offset + length; i++) {
      const goal = member === 0 ? 40 : random.nextUint32() / 2 ** 32 - 0.5
      after[i] = adapter[i]! + 0.3 * (goal - adapter[i]!)
    }
  }
  return after
}

function changeOf(state: Pick<ReplicatedState, 'adapter'>, after: Float32Array): Float32Array {
  const start = gatherSpans(state.adapter, spans)
  return gatherSpans(after, spans).map((x, i) => x - start[i]!)
}

/**
 * The evidence in the adapters that a run publishes, for someone who knows everyone's data, and the noise of the colluders:
 * in each round what the sum holds beyond the changes of the others, along the change that the member would have made.
 * Without the member there are zeros in its place, and its share of the noise.
 */
export function trainedRuns(
  manifest: RunManifest,
  planted: Planted,
  trials: number,
  seed: number
): AuditSample {
  const random = seededRandom(seed)
  const { privacy, rounds } = manifest
  if (privacy.mechanism === 'none') throw new Error('nothing to audit')
  const honest = SURVIVORS - 2
  const id = new Uint8Array(32)
  const encodings = Array.from(
    { length: rounds },
    (_, round) => privateEncodingOf({ id, manifest }, layout, MEMBERS, round)!
  )
  const oneRun = (isPresent: boolean): number => {
    let state = initialStateOf(manifest, new Float32Array(layout.length))
    let evidence = 0
    for (let round = 0; round < rounds; round++) {
      const encoding = encodings[round]!
      const sum = zeroLanes(encoding.ringBits, privateLaneCount(encoding))
      const others = new Float64Array(9)
      const victim = clipToNorm(changeOf(state, trained(state, 0)), state.clipNorm).clipped
      for (let member = 0; member < SURVIVORS; member++) {
        const after = member === 0 && !isPresent ? state.adapter.slice() : trained(state, member)
        if (member > 0) {
          const { clipped } = clipToNorm(changeOf(state, after), state.clipNorm)
          for (let i = 0; i < 9; i++) others[i]! += clipped[i]!
        }
        const used = noised(encoding, member < honest ? planted : 'off')
        addLanes(sum, encodePrivateTraining(used, manifest, layout, ['B'], state, { adapter: after }, random))
      }
      const spent = { epsilon: 0, delta: privacy.delta }
      const levels = privateIntegersOf(sum)
      const next = privateServerStep(encoding, manifest, layout, state, levels, SURVIVORS, spent)
      const moved = changeOf(state, next.adapter)
      const scale = (privacy.noiseMultiplier * state.clipNorm) ** 2
      evidence += victim.reduce((dot, x, i) => dot + x * (moved[i]! * SURVIVORS - others[i]!), 0) / scale
      state = next
    }
    return evidence
  }
  const withMember = new Float64Array(trials)
  const without = new Float64Array(trials)
  for (let trial = 0; trial < trials; trial++) {
    withMember[trial] = oneRun(true)
    without[trial] = oneRun(false)
  }
  return { withMember, without }
}

/** The same encoding with less noise than it says: a variance of one squared step, of thousands, is none. */
function noised(encoding: PrivateEncoding, planted: Planted): PrivateEncoding {
  const { plan } = encoding
  const divisor = { nothing: 1, halved: 4, off: plan.shareVariance }[planted]
  return { ...encoding, plan: { ...plan, shareVariance: Math.ceil(plan.shareVariance / divisor) } }
}
