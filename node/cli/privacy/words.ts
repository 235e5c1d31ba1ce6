/** What a privacy cost means, for someone who has to sign it off and does not compute epsilons. */
import { ringReach } from '../../../aggregation/privacy-plan.ts'
import { COHORT_MAX } from '../../../protocols/limits.ts'
import type { PrivacyCost } from './cost.ts'

/** Fewer clients than this cannot hide a change of tens of thousands of coordinates and learn from it. */
export const FEW_CLIENTS = 100

/** Tiers of Ponomareva et al. 2023, arXiv:2303.00654, section 5.2.1: a convention, not a law. */
const STRONG = 1
export const REASONABLE = 10

const LINE_WIDTH = 100

/** The answer in one line, the rest in paragraphs. @param clip - the clip norm, in the adapter's own unit */
export function costLines(cost: PrivacyCost, clip: number | undefined): string[] {
  const { epsilon, delta, rounds } = cost
  const odds = Math.round(1 / delta).toLocaleString('en-US')
  return [
    `epsilon ${figure(epsilon)} at delta ${delta} (one in ${odds}), after ${count(rounds, 'round')}`,
    ...paragraph('What it promises', promise(cost)),
    ...paragraph('How it is kept', noise(cost, clip)),
    ...paragraph('What it is worth', worth(cost)),
    ...paragraph('How it is proven', proof(cost))
  ]
}

/** What should not be overlooked, one sentence each. */
export function costWarnings(cost: PrivacyCost): string[] {
  const { epsilon, delta, cohort, colluders, epsilonUnsampled } = cost
  const found: string[] = []
  if (epsilon > REASONABLE) {
    found.push(
      `epsilon ${figure(epsilon)} is above ${REASONABLE}: by itself it promises next to nothing. More noise or fewer ` +
        'rounds bring it down'
    )
  }
  if (delta * cohort > 0.1) {
    found.push(
      `delta ${delta} is large for ${cohort} members: publishing one member's change in full with that probability ` +
        `would pass. Take at most ${figure(0.01 / cohort)}`
    )
  }
  if (colluders === 0) {
    found.push(
      'without colluders the epsilon holds against outsiders only: a member knows the noise it added itself and can take ' +
        'it off. Leave --colluders away for what a round tolerates'
    )
  }
  if (cohort > COHORT_MAX) {
    found.push(
      `a run sums in cohorts of at most ${COHORT_MAX}, and each cohort's sum is seen in it: the noise of ${cohort} members ` +
        'together is that of no run'
    )
  }
  if (epsilonUnsampled !== null) {
    found.push(
      'a sampling rate counts on nobody knowing who takes part in a round. The members of a run do know: against them ' +
        `epsilon is ${figure(epsilonUnsampled)}`
    )
  }
  return found
}

/**
 * The most often that anyone can guess right whether a member took part, if a coin decides it: what (epsilon, delta)
 * leaves of the errors of the two kinds together. Source: Kairouz, Oh and Viswanath 2015, arXiv:1311.0776, theorem 2.1.
 */
export function guessedRightAtMost(epsilon: number, delta: number): number {
  return 1 - (1 - delta) / (1 + Math.exp(epsilon))
}

function promise({ epsilon, delta, cohort, colluders }: PrivacyCost): string {
  const right = percent(guessedRightAtMost(epsilon, delta))
  const who =
    colluders === 0
      ? 'Someone outside'
      : `Someone to whom ${colluders} of the ${cohort} members ${colluders === 1 ? 'tells' : 'tell'} all they know,`
  const tier =
    epsilon <= STRONG
      ? `An epsilon of at most ${STRONG} is called strong`
      : epsilon <= REASONABLE
        ? `An epsilon above ${STRONG} and up to ${REASONABLE} is called reasonable, not strong`
        : `An epsilon above ${REASONABLE} is called weak`
  return (
    `Toss a coin over whether one member takes part, with all of its data, or stays out. ${who} who sees everything that ` +
    `the run publishes, guesses how the coin fell. Whatever the data and whatever is known beforehand, the guess is right ` +
    `at most ${right} of the time; blind guessing is right 50% of the time. That is a ceiling for the worst case, not a ` +
    `forecast. ${tier}, by convention. It covers what the run publishes: not a stolen machine, and not what members tell ` +
    'each other in other ways.'
  )
}

function noise(cost: PrivacyCost, clip: number | undefined): string {
  const { noiseMultiplier, cohort, colluders, threshold, honestShares, shareOverClip, plan } = cost
  const inUnits = clip === undefined ? '' : ` (${figure(shareOverClip * clip)} at clip norm ${clip})`
  const collusion =
    colluders === 0
      ? `their noise together is ${noiseMultiplier} times the clip norm`
      : `should ${colluders} of them take their own noise off, the other ${honestShares} still make ${noiseMultiplier} ` +
        'times the clip norm together'
  const shares =
    `Before anything leaves its machine, every member clips its change and adds noise of ${figure(shareOverClip)} times ` +
    `the clip norm${inUnits} to each coordinate. At least ${threshold} of ${cohort} survive a round; ${collusion}: the ` +
    'noise multiplier.'
  if (plan === null) return shares
  const { settings, clipLevels, levelMax, l2Bound, shareVariance } = plan
  const used = percent(
    ringReach(settings.participants, levelMax, shareVariance) / 2 ** (settings.ringBits - 1)
  )
  return (
    `${shares} In the ${settings.ringBits}-bit ring the clip norm is ${count(clipLevels, 'step')} and one member's noise ` +
    `${figure(Math.sqrt(shareVariance))}; the largest sum with six deviations of its noise takes ${used} of the room. ` +
    `Rounding stretches a change by at most ${percent(l2Bound / clipLevels - 1)}, which the epsilon includes.`
  )
}

function worth({ cohort, noiseToClip, dimensionWhereNoiseIsClip: limit, dimension }: PrivacyCost): string {
  const few =
    cohort < FEW_CLIENTS
      ? `With ${cohort} clients, fewer than ${FEW_CLIENTS}, the noise is large beside what it hides. `
      : ''
  const where =
    limit < 1
      ? 'With these settings even one coordinate carries more noise than the clip norm.'
      : `With these settings the noise on the mean stays shorter than the clip norm up to ${count(limit, 'coordinate')}.`
  if (noiseToClip === null || dimension === null)
    return `${few}${where} Give --dimension for an adapter of yours.`
  return (
    `${few}On the mean over ${count(dimension, 'coordinate')} the noise is ${figure(noiseToClip)} times as long as the ` +
    `longest change of one member: ${verdictOf(noiseToClip)}. ${where} Fewer coordinates (strategy ffa, a lower rank) and more members ` +
    'help. Try it with sim before you ask people to join.'
  )
}

/** What to expect of noise on the mean that is so many times as long as the longest change of one member. */
export function verdictOf(noiseToClip: number): string {
  if (noiseToClip > 3) return 'expect little or nothing to be learnt'
  return noiseToClip > 1 ? 'expect to learn slowly' : 'what the members agree on shows through it'
}

function proof({ mechanism, bound, samplingRate }: PrivacyCost): string {
  const integers = 'Noise in integers, which a run adds, costs slightly more: give --dimension.'
  if (bound === 'pld') {
    return samplingRate === 1
      ? `Exact for continuous Gaussian noise. ${integers}`
      : `An upper bound, close to the truth, by the privacy loss distribution of continuous Gaussian noise. ${integers}`
  }
  const name = {
    gaussian: 'continuous Gaussian',
    skellam: 'Skellam',
    'discrete-gaussian': 'discrete Gaussian'
  }
  const more = mechanism === 'gaussian' ? ` ${integers} A tighter bound: --bound pld.` : ''
  return `An upper bound, by the Rényi differential privacy of ${name[mechanism]} noise.${more}`
}

function paragraph(title: string, text: string): string[] {
  const lines: string[] = []
  let line = ' '
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > LINE_WIDTH) {
      lines.push(line)
      line = ' '
    }
    line += ` ${word}`
  }
  return ['', title, ...lines, line]
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`
}

/** Four digits. */
export function figure(x: number): string {
  return String(Number(x.toPrecision(4)))
}

/** Three digits; never 100% of what is less. */
export function percent(x: number): string {
  if (x > 0.9999 && x <= 1) return 'nearly 100%'
  return `${Number((100 * x).toPrecision(x > 0.99 ? 4 : 3))}%`
}
