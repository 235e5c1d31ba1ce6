/** Rounds with noise for the audit: the encoding, ring and server step of a run, without its network. */
import { epsilonAfter } from '../../aggregation/dp-accountant.ts'
import { type NoiseSampler, noiseSampler } from '../../aggregation/dp-noise.ts'
import { weightedMean } from '../../aggregation/fedavg.ts'
import { encodePrivately } from '../../aggregation/privacy-encoding.ts'
import { mechanismOf, type NoiseName, privacyPlan } from '../../aggregation/privacy-plan.ts'
import {
  decodePrivateLanes,
  encodePrivateInput,
  type PrivateEncoding,
  privateLaneCount
} from '../../aggregation/private-input.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { addLanes, setLanes, zeroLanes } from '../../aggregation/ring.ts'
import { quorumOf } from '../../protocols/quorum.ts'
import type { AuditSample } from './privacy-audit.ts'

/** What is wrong with the noise, if anything. */
export type Planted = 'nothing' | 'halved' | 'off'

export interface AuditSetting {
  readonly noise: NoiseName
  readonly method: 'table' | 'exact'
  readonly noiseMultiplier: number
  readonly dimension: number
  /** n; t of them survive, and the default number of them collude. */
  readonly members: number
  readonly rounds: number
  /** With the count of the unclipped, of this side bound. */
  readonly sideBound: number | null
}

const CLIP_NORM = 0.7

/** What all rounds cost, as a run would charge it. */
export function accountedEpsilon(setting: AuditSetting, delta: number): number {
  const mechanism = mechanismOf(encodingOf(setting).plan)
  return epsilonAfter([{ mechanism, rounds: setting.rounds }], delta).epsilon
}

/**
 * Many runs with the member and as many without, seen by the colluders: they know their own noise and take it off. The
 * member's change is the worst there is: far longer than the clip norm, always the same way; without it there are zeros in
 * its place. The other changes are known, so they are left out.
 */
export function auditedRuns(
  setting: AuditSetting,
  planted: Planted,
  trials: number,
  seed: number
): AuditSample {
  const random = seededRandom(seed)
  const encoding = encodingOf(setting)
  const { plan } = encoding
  const { dimension, rounds, noise: name, method } = setting
  const noise: NoiseSampler =
    planted === 'off'
      ? () => 0
      : noiseSampler(name, Math.ceil(plan.shareVariance / (planted === 'halved' ? 4 : 1)), method)
  const direction = Float32Array.from({ length: dimension }, (_, i) => (i % 2 === 0 ? 10 : -10))
  const [z, count] = [setting.noiseMultiplier, setting.sideBound ?? 0]
  const evidence = (isPresent: boolean): number => {
    let total = 0
    for (let round = 0; round < rounds; round++) {
      const sum = zeroLanes(encoding.ringBits, privateLaneCount(encoding))
      const member = isPresent
        ? encodePrivateInput(encoding, direction, CLIP_NORM, noise, random)
        : absent(encoding, noise)
      addLanes(sum, member)
      for (let other = 1; other < plan.honestShares; other++) addLanes(sum, absent(encoding, noise))
      const decoded = decodePrivateLanes(encoding, sum, plan.settings.threshold, CLIP_NORM)
      const mean = weightedMean(decoded)
      const along = mean.reduce((dot, x, i) => dot + x * Math.sign(direction[i]!), 0) / Math.sqrt(dimension)
      // The log-likelihood ratio of Gaussian noise, but for a constant: the side is -count beside a change of 1.
      total += (along * decoded.weightSum) / CLIP_NORM / z ** 2
      const { unclippedFraction } = decoded
      if (unclippedFraction !== null)
        total -= ((2 * unclippedFraction - 1) * decoded.weightSum * count ** 2) / z ** 2
    }
    return total
  }
  // In turns, so that nothing can drift between them.
  const withMember = new Float64Array(trials)
  const without = new Float64Array(trials)
  for (let trial = 0; trial < trials; trial++) {
    withMember[trial] = evidence(true)
    without[trial] = evidence(false)
  }
  return { withMember, without }

  function absent({ plan, ringBits }: PrivateEncoding, noise: NoiseSampler) {
    const coordinates = new Float64Array(dimension)
    const sides = plan.sideLevels.map(() => 0)
    const levels = encodePrivately(plan, { coordinates, sides }, CLIP_NORM, noise, random)
    const lanes = zeroLanes(ringBits, levels.length)
    setLanes(lanes, levels)
    return lanes
  }
}

function encodingOf({
  noise,
  noiseMultiplier,
  dimension,
  members,
  sideBound
}: AuditSetting): PrivateEncoding {
  const threshold = quorumOf(members)
  const plan = privacyPlan({
    noise,
    noiseMultiplier,
    dimension,
    participants: members,
    threshold,
    colluders: members - threshold,
    ringBits: 20,
    sideBounds: sideBound === null ? [] : [sideBound]
  })
  return { plan, ringBits: 20, rotationSeed: 'audit' }
}
