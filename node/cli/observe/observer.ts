/** What a live process remembers of what has happened, for its status, its metrics and its log: counts, and the last reasons. */
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import type { PeerEvent } from '../../peer/peer-types.ts'
import { LineBudget } from './line-budget.ts'
import type { Log, LogLevel } from './log.ts'
import { type Told, type ToldLevel, toldOf } from './told.ts'

/** Enough to see what led to a pause; a peer under attack adds hundreds a second, and only the last are of use. */
const REASONS_MAX = 64

/** Of one kind. */
const REASONS_ALIKE_MAX = 16

/** Words of a reason come in part from other peers' names and from the system's errors. */
const REASON_CHARACTERS = 400

/** Different values of one label: they come from closed lists, so more are a fault of ours, and must not grow for ever. */
const LABELS_MAX = 64

export interface Reason {
  /** ISO 8601. */
  readonly at: string
  readonly level: ToldLevel
  readonly what: string
  readonly reason: string
}

/** What a remote peer did that the network does not let pass. */
export interface Offence {
  readonly peer: PeerId
  readonly reason: string
  /** Its connections were closed for it. */
  readonly cutOff: boolean
}

export class Observer {
  /** Links by kind, since the start of the process. */
  readonly rounds = new Counts()
  /** Links that ended an attempt for nothing, by reason. */
  readonly aborts = new Counts()
  readonly offences = new Counts()
  /** Messages of members that the round's machine refused, by what they were. */
  readonly refusals = new Counts()
  /** Fields of every line of the log: which peer, which run. */
  context: Readonly<Record<string, unknown>> = {}
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #log: Log
  readonly #reasons: Reason[] = []
  readonly #budget = new LineBudget()

  constructor(clock: Pick<Clock, 'nowMs'>, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** The last ones, newest first. */
  get reasons(): readonly Reason[] {
    return this.#reasons.toReversed()
  }

  take(event: PeerEvent): void {
    if (event.type === 'notice' && event.notice === 'phase') {
      const { round, attempt, phase } = event
      this.context = { ...this.context, round, attempt, phase }
    }
    if (event.type === 'link') {
      this.rounds.add(event.kind)
      if (event.link.reason !== '') this.aborts.add(event.link.reason)
    } else if (event.type === 'notice' && event.notice === 'refused') this.refusals.add(event.what)
    const told = toldOf(event)
    if (told !== null) this.tell(told)
  }

  offence({ peer, reason, cutOff }: Offence): void {
    this.offences.add(reason)
    const words = `${peer}: ${reason}${cutOff ? '; it was cut off' : ''}`
    this.tell({ level: 'warn', msg: 'offence', fields: { from: peer, reason, cutOff }, reason: words })
  }

  tell({ level, msg, fields, reason }: Told): void {
    const nowMs = this.#clock.nowMs()
    const left = this.#budget.admit(msg, nowMs)
    if (left !== null) {
      const suppressed = left === 0 ? {} : { suppressed: left }
      this.#log.write(level, msg, { ...this.context, ...fields, ...suppressed })
    }
    if (reason === undefined) return
    const at = new Date(nowMs).toISOString()
    this.#reasons.push({ at, level, what: msg, reason: reason.slice(0, REASON_CHARACTERS) })
    const alike = this.#reasons.filter(({ what }) => what === msg).length
    // Whoever floods us pushes out what it did before, not why the run has paused.
    const gone = alike > REASONS_ALIKE_MAX ? this.#reasons.findIndex(({ what }) => what === msg) : 0
    if (alike > REASONS_ALIKE_MAX || this.#reasons.length > REASONS_MAX) this.#reasons.splice(gone, 1)
  }

  /** For whoever looks for a fault: the network's and the peer's own remarks. */
  note(message: string, level: LogLevel & ToldLevel = 'debug'): void {
    this.#log.write(level, message, this.context)
  }
}

/** How often each of a few things has happened. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(label: string): void {
    const known = this.#counts.has(label) || this.#counts.size < LABELS_MAX
    const key = known ? label : 'other'
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  entries(): ReadonlyArray<readonly [label: string, count: number]> {
    return [...this.#counts]
  }
}
