/**
 * What may reach a member: everything that was ever said, in any order, late, or never. So it is a function of what
 * the members have said, and of what the liar could have said. The liar has no state: at any moment it can have cast
 * every vote, for every value, shown it to whom it likes, and report any prepare certificate that exists, or none.
 */
import type { VoteKind } from '../../protocols/certificate.ts'
import type { Member } from './member.ts'
import { type Event, groundsOf, type Stage } from './member-step.ts'
import { COHORT, certificateOf, type Lock, settingOf, type Value } from './words.ts'

export interface Pool {
  readonly certificates: ReadonlyArray<{
    readonly kind: VoteKind
    readonly view: number
    readonly value: Value
  }>
  /** What can be delivered to anyone: certificates, proposals, new-views that move others. */
  readonly events: readonly Event[]
  /** By view: what its honest leader could propose on the new-views that it may have. */
  readonly proposals: ReadonlyMap<number, readonly Event[]>
}

export interface Bounds {
  /** The liar's place in the cohort, or null if nobody lies. */
  readonly liar: number | null
  readonly views: number
}

interface Report {
  /** What one member may be heard to report: a liar whatever it likes. */
  readonly options: ReadonlyArray<Lock | null>
}

/** Makes pools; what it has worked out once, it keeps. */
export class Pools {
  readonly #stage: Stage
  readonly #bounds: Bounds
  readonly #holds = new Map<string, boolean>()
  readonly #views = new Map<string, ViewOffers>()

  constructor(stage: Stage, bounds: Bounds) {
    this.#stage = stage
    this.#bounds = bounds
  }

  poolOf(members: ReadonlyMap<number, Member>): Pool {
    const { views, liar } = this.#bounds
    const certificates = this.#certificatesOf(members)
    const events: Event[] = certificates.map(certificate => ({ type: 'certificate', ...certificate }))
    const proposals = new Map<number, readonly Event[]>()
    for (let view = 0; view < views; view++) {
      const reports = reportsOf(members, view, certificates, liar)
      const leader = this.#stage.leaders[view % this.#stage.leaders.length]!
      const { shown, mine } = this.#offersOf(view, leader, reports)
      events.push(...shown)
      proposals.set(view, mine)
      for (const word of members.get(leader)?.said.values() ?? []) {
        if (word.type === 'proposal' && word.view === view) events.push(word)
      }
    }
    return { certificates, events, proposals }
  }

  #certificatesOf(members: ReadonlyMap<number, Member>): Pool['certificates'] {
    const { views, liar } = this.#bounds
    const found: Array<Pool['certificates'][number]> = []
    for (const kind of ['prepare', 'commit'] as const) {
      for (let view = 0; view < views; view++) {
        for (const value of this.#stage.values) {
          const text = `${kind} ${view} ${value}`
          const signers = COHORT.flatMap((_, place) =>
            place === liar || members.get(place)?.said.has(text) ? [place] : []
          )
          if (this.#certificateHolds(kind, view, value, signers)) found.push({ kind, view, value })
        }
      }
    }
    return found
  }

  #certificateHolds(kind: VoteKind, view: number, value: Value, signers: readonly number[]): boolean {
    const name = `${kind} ${view} ${value} ${signers.join()}`
    const known = this.#holds.get(name)
    if (known !== undefined) return known
    const { subject, leaders, rules } = this.#stage
    const { context, crypto } = settingOf(subject, 0, leaders, rules.voting)
    const certificate = certificateOf(subject, kind, { view, value }, signers)
    const holds = rules.voting.holds(certificate, kind, COHORT, context, crypto)
    this.#holds.set(name, holds)
    return holds
  }

  #offersOf(view: number, leader: number, reports: readonly Report[]): ViewOffers {
    const name = `${view} ${reports
      .map(({ options }) => options.map(lockKey).join())
      .sort()
      .join(' ')}`
    const known = this.#views.get(name)
    if (known !== undefined) return known
    const shown: Event[] = reports.length > 0 ? [{ type: 'join', view, newViews: reports.length }] : []
    const mine: Event[] = []
    for (const value of this.#stage.values) {
      const offered = new Set<string>()
      for (const choice of view === 0 ? [[]] : choicesOf(reports)) {
        if (leader !== this.#bounds.liar) {
          mine.push({ type: 'propose', view, value, reports: choice })
          continue
        }
        const grounds = groundsOf(this.#stage, view, value, choice)
        if (grounds === null || offered.has(JSON.stringify(grounds))) continue
        offered.add(JSON.stringify(grounds))
        shown.push({ type: 'proposal', view, value, grounds })
      }
    }
    this.#views.set(name, { shown, mine })
    return { shown, mine }
  }
}

/** What new-views of a view allow: what anyone may be shown, and what its honest leader may propose. */
interface ViewOffers {
  readonly shown: readonly Event[]
  readonly mine: readonly Event[]
}

const lockKey = (lock: Lock | null) => (lock === null ? '-' : `${lock.view}${lock.value}`)

function reportsOf(
  members: ReadonlyMap<number, Member>,
  view: number,
  certificates: Pool['certificates'],
  liar: number | null
): Report[] {
  const reports: Report[] = []
  if (view === 0) return reports
  for (const { said } of members.values()) {
    const options = [...said.values()].flatMap(word =>
      word.type === 'new-view' && word.view === view ? [word.lock] : []
    )
    if (options.length > 0) reports.push({ options })
  }
  if (liar === null) return reports
  const locks = certificates.filter(({ kind, view: of }) => kind === 'prepare' && of < view)
  return [...reports, { options: [null, ...locks.map(({ view: of, value }) => ({ view: of, value }))] }]
}

/** Every choice of new-views that a leader may rest on; which of the members sent which does not matter. */
function choicesOf(reports: readonly Report[]): Array<ReadonlyArray<Lock | null>> {
  let choices: Array<ReadonlyArray<Lock | null>> = [[]]
  for (const { options } of reports) {
    choices = choices.flatMap(choice => [choice, ...options.map(lock => [...choice, lock])])
  }
  const distinct = new Map<string, ReadonlyArray<Lock | null>>()
  for (const choice of choices) {
    const sorted = [...choice].sort((a, b) => (lockKey(a) < lockKey(b) ? -1 : 1))
    distinct.set(sorted.map(lockKey).join(), sorted)
  }
  return [...distinct.values()]
}
