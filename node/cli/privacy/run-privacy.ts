/** What the privacy section of a run's manifest comes to, for its adapter and a cohort: figures, and words for people. */
import type { AdapterLayout } from '../../../aggregation/adapter-layout.ts'
import { noiseToClip, type PrivacyPlan } from '../../../aggregation/privacy-plan.ts'
import { cohortSizeOf } from '../../../protocols/chain-cohorts.ts'
import type { RunEnd } from '../../../protocols/chain-tip.ts'
import { affordableRounds, epsilonOfRounds, privacyTermsOf } from '../../../protocols/privacy-account.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import { mechanismsOf, privacyPlanOf } from '../../peer/private-round.ts'
import { FEW_CLIENTS, figure, guessedRightAtMost, percent, REASONABLE, verdictOf } from './words.ts'

export interface RunPrivacy {
  readonly mechanism: 'skellam' | 'discrete-gaussian'
  readonly noiseMultiplier: number
  /** Of the first round. */
  readonly clipNorm: number
  /** At which the run stops. */
  readonly epsilonMax: number
  readonly delta: number
  /** n, of the cohort that the figures are for. */
  readonly members: number
  /** Colluders allowed for. */
  readonly colluders: number
  /** d, coordinates that a round sums; the most of any round. */
  readonly dimension: number
  readonly rounds: number
  /** Rounds that fit epsilonMax, lost ones counted too; at most `rounds`. */
  readonly roundsAfforded: number
  readonly epsilonPerRound: number
  /** After the rounds that fit. */
  readonly epsilon: number
  /** Length of the noise on the mean over the clip norm. */
  readonly noiseToClip: number
  /** How often anyone can guess right, in the worst case, whether a member took part. */
  readonly guessedRightAtMost: number
}

/** The strategy alternates between two kinds of rounds at most. */
const KINDS_OF_ROUNDS = 2

/**
 * @param members - n
 * @returns null for a run without noise
 * @throws PeerError NOISE_DOES_NOT_FIT
 */
export function runPrivacyOf(
  manifest: RunManifest,
  layout: AdapterLayout,
  members: number
): RunPrivacy | null {
  const terms = privacyTermsOf(manifest)
  if (terms === null) return null
  const { mechanism, noiseMultiplier, epsilon: epsilonMax, delta } = terms
  const mechanismAt = mechanismsOf(manifest, layout)
  const size = cohortSizeOf(members, { manifest })
  const kinds = Array.from({ length: KINDS_OF_ROUNDS }, (_, round) => mechanismAt(size, round)!)
  const plans = kinds.map((_, round) => privacyPlanOf(manifest, layout, size, round)!)
  const widest = plans.reduce<PrivacyPlan>(
    (most, plan) => (plan.settings.dimension > most.settings.dimension ? plan : most),
    plans[0]!
  )
  const { rounds } = manifest
  const roundsAfforded = affordableRounds(kinds, terms, rounds)
  const epsilon = epsilonOfRounds(kinds, roundsAfforded, delta)
  return {
    mechanism,
    noiseMultiplier,
    clipNorm: manifest.secureSum.clipNorm,
    epsilonMax,
    delta,
    members,
    colluders: widest.settings.colluders,
    dimension: widest.settings.dimension,
    rounds,
    roundsAfforded,
    epsilonPerRound: epsilonOfRounds(kinds, 1, delta),
    epsilon,
    noiseToClip: noiseToClip(widest.settings),
    guessedRightAtMost: guessedRightAtMost(epsilon, delta)
  }
}

/** The promise and its price, in sentences. */
export function runPrivacyLines(privacy: RunPrivacy): string[] {
  const { mechanism, noiseMultiplier, epsilonMax, delta, members, colluders, dimension, rounds } = privacy
  const { roundsAfforded, epsilonPerRound, epsilon, noiseToClip: ratio, guessedRightAtMost: right } = privacy
  const all = roundsAfforded === rounds
  return [
    `every member clips its change and adds ${mechanism} noise; together, ${colluders} of ${members} members colluding, ` +
      `it is ${figure(noiseMultiplier)} times the clip norm of ${privacy.clipNorm}. The sum is published with it`,
    roundsAfforded === 0
      ? `one round would cost epsilon ${figure(epsilonPerRound)}, more than the ${figure(epsilonMax)} that the run allows: ` +
        'it ends before it begins'
      : `epsilon ${figure(epsilon)} at delta ${delta} after ${all ? `all ${rounds}` : `${roundsAfforded} of ${rounds}`} rounds ` +
        `(${figure(epsilonPerRound)} after the first); ` +
        (all
          ? `the run stops before it passes ${figure(epsilonMax)}`
          : `there it stops: the next would pass ${figure(epsilonMax)}`) +
        `. Who sees all that the run publishes guesses right at most ${percent(right)} of the time whether a member took part`,
    `on the mean over ${dimension.toLocaleString('en-US')} coordinates the noise is ${figure(ratio)} times as long as the ` +
      `longest change of one member: ${verdictOf(ratio)}`
  ]
}

/** What a person should know before it starts, one sentence each. */
export function runPrivacyWarnings(privacy: RunPrivacy): string[] {
  const { members, dimension, rounds, roundsAfforded, noiseToClip: ratio, epsilon, delta } = privacy
  const found: string[] = []
  if (roundsAfforded < rounds) {
    found.push(
      `the privacy budget ends the run after ${roundsAfforded} of ${rounds} rounds. For all of them take more noise: ` +
        `fedpeft-node privacy --rounds ${rounds} --epsilon ${figure(privacy.epsilonMax)} --cohort ${members} ` +
        `--delta ${delta} --dimension ${dimension} finds how much`
    )
  }
  if (members < FEW_CLIENTS) {
    found.push(
      `${members} clients are fewer than ${FEW_CLIENTS}: the noise on their mean is ${figure(ratio)} times the longest change ` +
        `of one of them: ${verdictOf(ratio)}. Fewer coordinates (strategy ffa, a lower rank, fewer target modules) and ` +
        'more members help'
    )
  }
  if (epsilon > REASONABLE) {
    found.push(
      `epsilon ${figure(epsilon)} is above ${REASONABLE}: by itself it promises next to nothing. More noise or fewer rounds ` +
        'bring it down'
    )
  }
  if (delta * members > 0.1) {
    found.push(
      `delta ${delta} is large for ${members} members: publishing one member's change in full with that probability would ` +
        `pass. Take at most ${figure(0.01 / members)}`
    )
  }
  return found
}

/** E.g. `epsilon 3.21 at delta 0.00001`. */
export function spentText({ epsilon, delta }: { readonly epsilon: number; readonly delta: number }): string {
  return `epsilon ${figure(epsilon)} at delta ${delta}`
}

/** E.g. `8 rounds`, or why there are fewer. */
export function endText(
  { rounds, privacy }: Pick<RunManifest, 'rounds' | 'privacy'>,
  completedRounds: number,
  end: RunEnd
): string {
  if (end === 'author') return `${completedRounds} of ${rounds} rounds; its author has ended it`
  if (end === 'rounds' || privacy.mechanism === 'none') return `${completedRounds} rounds`
  return (
    `${completedRounds} of ${rounds} rounds; another would have passed the privacy budget of epsilon ` +
    `${figure(privacy.epsilon)} at delta ${privacy.delta}`
  )
}
