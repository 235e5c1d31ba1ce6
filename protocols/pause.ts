/**
 * When a run stands still until its author says who is in it. Without a bound, a fault that every attempt meets again
 * (or a liar whom nothing proves) would keep everyone's machine training for ever.
 */
import type { Subject } from './certificate.ts'
import { COHORT_MIN, COHORT_MIN_FORCED } from './limits.ts'
import type { LinkBody } from './messages.js'
import type { PeerId } from './ports.ts'
import { leastFor } from './quorum.ts'
import type { RunManifest } from './run-manifest.ts'

/** Why an attempt was given up, or a round lost. */
export const GIVE_UP_REASONS = ['too-few-keys', 'too-few-shares', 'too-few-inputs', 'not-opened'] as const

export type GiveUpReason = (typeof GIVE_UP_REASONS)[number]

/** The reason follows from what the cohort could not agree on, so that all of it writes the same link. */
export const reasonOfSubject: Readonly<Record<Subject, GiveUpReason>> = {
  roster: 'too-few-keys',
  shares: 'too-few-shares',
  survivors: 'too-few-inputs',
  result: 'not-opened'
}

/** In words, after "was given up:". */
export const giveUpWords: Readonly<Record<GiveUpReason, string>> = {
  'too-few-keys': 'too few members offered keys',
  'too-few-shares': 'too few members shared their secrets',
  'too-few-inputs': 'too few masked inputs',
  'not-opened': 'the sum could not be opened'
}

export function isGiveUpReason(text: string): text is GiveUpReason {
  return (GIVE_UP_REASONS as readonly string[]).includes(text)
}

/** One attempt that came to nothing. */
export interface Failure {
  readonly round: number
  readonly attempt: number
  readonly reason: GiveUpReason
}

/** The failures in a row, after a link that ends one more attempt. */
export function failuresAfter(
  { failures, round, attempt }: { readonly failures: readonly Failure[] } & Omit<Failure, 'reason'>,
  { kind, reason }: Pick<LinkBody, 'kind' | 'reason'>
): readonly Failure[] {
  if (!isGiveUpReason(reason) || (kind !== 'abort' && kind !== 'lost')) return []
  return [...failures, { round, attempt, reason }]
}

export type Pause =
  | { readonly code: 'TOO_FEW_MEMBERS'; readonly have: number; readonly need: number }
  | { readonly code: 'BY_AUTHOR' }
  | { readonly code: 'GIVEN_UP'; readonly failures: readonly Failure[] }

/** What of a chain's tip decides whether its run goes on. */
export interface PauseGrounds {
  readonly members: readonly PeerId[]
  /** Not null if no round follows anyway. */
  readonly end: string | null
  /** Since the last result, or the last word of the author. */
  readonly failures: readonly Failure[]
  /** By order of the author. */
  readonly paused: boolean
}

/** Why a run is paused: only a reconfiguration by its author lets it go on. Null if it is not. */
export function pauseOf(
  { members, failures, end, paused }: PauseGrounds,
  manifest: RunManifest
): Pause | null {
  if (end !== null) return null
  const need = leastCohortOf(manifest)
  if (members.length < need) return { code: 'TOO_FEW_MEMBERS', have: members.length, need }
  if (paused) return { code: 'BY_AUTHOR' }
  return failures.length >= manifest.cohort.attempts ? { code: 'GIVEN_UP', failures } : null
}

/** What a person reads. @param missing - names of those who were missed last, if this peer knows */
export function pauseWords(pause: Pause, missing: readonly string[] = []): string {
  if (pause.code === 'BY_AUTHOR')
    return 'the author of the run has paused it: it goes on when its author says so (fedpeft-node run resume)'
  const resumes = 'the run is paused until its author sets the members anew'
  if (pause.code === 'TOO_FEW_MEMBERS')
    return `${pause.have} members are left and ${pause.need} are needed: ${resumes}`
  const { failures } = pause
  const [first, last] = [failures[0]!, failures.at(-1)!]
  const rounds =
    first.round === last.round
      ? `round ${first.round + 1} was given up`
      : `rounds ${first.round + 1} to ${last.round + 1} were given up`
  const times = failures.length === 1 ? 'once' : `${failures.length} times`
  const counts = GIVE_UP_REASONS.map(reason => ({
    reason,
    count: failures.filter(failure => failure.reason === reason).length
  })).filter(({ count }) => count > 0)
  const why = counts
    .map(({ reason, count }) =>
      counts.length === 1 ? giveUpWords[reason] : `${giveUpWords[reason]} (${count})`
    )
    .join(', ')
  const who = missing.length === 0 ? '' : `; missing at the end were ${missing.join(', ')}`
  return `${rounds} ${times}: ${why}${who}; ${resumes}`
}

/** The smallest cohort that the manifest allows: below it nothing is gone on with, and t >= colluders + 2 fails. */
export function leastCohortOf({ cohort, secureSum }: RunManifest): number {
  const least = cohort.allowThree ? COHORT_MIN_FORCED : COHORT_MIN
  return secureSum.colluders === 'default' ? least : leastFor(secureSum.colluders, least)
}
