/** The flags that give a run privacy noise, the same in every command that makes a manifest. */
import { type Command, Option } from 'commander'
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { leastNoise } from '../../aggregation/dp-accountant.ts'
import { cohortSizeOf } from '../../protocols/chain-cohorts.ts'
import { epsilonOfRounds, privacyTermsOf } from '../../protocols/privacy-account.ts'
import type { RunManifest } from '../../protocols/run-manifest.ts'
import { mechanismsOf } from '../peer/private-round.ts'
import { number } from './options.ts'
import type { Output } from './output.ts'
import { type RunPrivacy, runPrivacyLines, runPrivacyWarnings } from './privacy/run-privacy.ts'
import { UserError } from './user-error.ts'

/** Named as in the command `privacy`. */
export interface PrivacyFlags {
  readonly noise?: number
  readonly epsilon?: number
  readonly delta?: number
  readonly mechanism?: 'skellam' | 'discrete-gaussian'
  readonly clip?: number
  readonly adaptiveClipping?: boolean
}

/** The strategy alternates between two kinds of rounds at most. */
const KINDS_OF_ROUNDS = 2

/** Digits of a noise multiplier that was solved for, rounded up. */
const NOISE_DIGITS = 5

export function addPrivacyOptions(command: Command): Command {
  return command
    .option(
      '--noise <z>',
      "privacy noise: deviation of the honest members' noise together, over the clip norm",
      number(1e-3, 1e4)
    )
    .option(
      '--epsilon <e>',
      'the run stops before it passes this epsilon (default with noise: 10); without --noise, take the noise with which ' +
        'all rounds fit',
      number(1e-3, 1e4)
    )
    .option('--delta <x>', 'probability with which epsilon need not hold (default: 1e-5)', number(1e-12, 0.1))
    .addOption(
      new Option('--mechanism <name>', 'distribution of the noise (default with noise: skellam)').choices([
        'skellam',
        'discrete-gaussian'
      ])
    )
    .option('--clip <c>', "L2 norm to which one peer's change is clipped", number(1e-6, 1e6))
    .option('--adaptive-clipping', 'with noise: let the clip norm follow the changes (Andrew et al. 2021)')
}

/** The parts of a manifest that the flags stand for. @throws UserError for flags that mean nothing without noise */
export function privacyFields(flags: PrivacyFlags): {
  readonly privacy?: Readonly<Record<string, unknown>>
  readonly secureSum?: Readonly<Record<string, unknown>>
} {
  const { noise, epsilon, delta, mechanism, clip, adaptiveClipping } = flags
  const secureSum = clip === undefined ? {} : { secureSum: { clipNorm: clip } }
  if (noise === undefined && epsilon === undefined && mechanism === undefined) {
    const idle = delta !== undefined ? '--delta' : adaptiveClipping ? '--adaptive-clipping' : null
    if (idle !== null)
      throw new UserError(`${idle} says something only with noise: add --noise or --epsilon`, 2)
    return secureSum
  }
  return {
    ...secureSum,
    privacy: {
      mechanism: mechanism ?? 'skellam',
      ...(noise === undefined ? {} : { noiseMultiplier: noise }),
      ...(epsilon === undefined ? {} : { epsilon }),
      ...(delta === undefined ? {} : { delta }),
      ...(adaptiveClipping ? { clipping: { kind: 'adaptive' } } : {})
    }
  }
}

/** Whether the noise is to be found from the epsilon (withLeastNoise). */
export function asksForNoise({ noise, epsilon }: PrivacyFlags): boolean {
  return noise === undefined && epsilon !== undefined
}

/**
 * The manifest with the least noise with which all rounds of a full cohort of founders fit its epsilon.
 * @throws AggregationError BAD_SETTING, PeerError NOISE_DOES_NOT_FIT if no noise that fits the ring reaches it
 */
export function withLeastNoise(manifest: RunManifest, layout: AdapterLayout): RunManifest {
  const terms = privacyTermsOf(manifest)
  if (terms === null) return manifest
  const { rounds, cohort } = manifest
  const size = cohortSizeOf(cohort.founders, { manifest })
  const withNoise = (noiseMultiplier: number): RunManifest => {
    return { ...manifest, privacy: { ...terms, noiseMultiplier } }
  }
  const gaussian = (noiseMultiplier: number): number => {
    return epsilonOfRounds([{ name: 'gaussian', noiseMultiplier, samplingRate: 1 }], rounds, terms.delta)
  }
  const epsilonOf = (noiseMultiplier: number): number => {
    const mechanismAt = mechanismsOf(withNoise(noiseMultiplier), layout)
    const kinds = Array.from({ length: KINDS_OF_ROUNDS }, (_, round) => mechanismAt(size, round)!)
    return epsilonOfRounds(kinds, rounds, terms.delta)
  }
  const near = leastNoise(gaussian, terms.epsilon)
  const exact = leastNoise(epsilonOf, terms.epsilon, { start: near, factor: 1.05, precision: 1e-6 })
  const unit = 10 ** (Math.floor(Math.log10(exact)) + 1 - NOISE_DIGITS)
  let units = Math.ceil(exact / unit)
  // Whole steps of the ring make epsilon fall in steps: the next such number may lie just above the target.
  while (epsilonOf(units * unit) > terms.epsilon) units++
  return withNoise(Number((units * unit).toPrecision(NOISE_DIGITS + 1)))
}

/** Says before a run begins what its privacy is worth; nothing for a run without noise. */
export function tellRunPrivacy(privacy: RunPrivacy | null, output: Output): void {
  if (privacy === null) return
  for (const [i, line] of runPrivacyLines(privacy).entries()) {
    output.say(`${i === 0 ? 'privacy: ' : '  '}${line}`)
  }
  for (const warning of runPrivacyWarnings(privacy)) output.warn(warning)
}
