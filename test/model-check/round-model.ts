/** The states of a round and what may happen next: every member's own state, and nothing else. */
import type { Configuration, StageOfRound } from './configuration.ts'
import { stagesOf } from './configuration.ts'
import { goneOn, type Member, memberText, newMember } from './member.ts'
import { type Crash, type Event, saidBeyond, stepMember } from './member-step.ts'
import { type Pool, Pools } from './pool.ts'
import { withValuesSwapped } from './symmetry.ts'
import { SIZE, THRESHOLD, type Value } from './words.ts'

type Before = 'A' | 'B' | 'ABORT' | null

/** Everything at one moment. */
export interface RoundState {
  readonly stage: StageOfRound
  /** What the agreement before this one decided. */
  readonly before: Before
  /** Honest ones, by their place in the cohort. */
  readonly members: ReadonlyMap<number, Member>
  readonly pool: Pool
}

/** What happened between two states. Member -1: an agreement is over. */
export interface Move {
  readonly place: number
  readonly event: Event | null
  readonly crash: Crash
}

interface Facts {
  readonly member: Member
  readonly saidId: number
  /** Interned id of the member with A and B swapped; -1 until asked. */
  swapped: number
  /** Deaths it may come back from; worked out when asked. */
  restarts: readonly Event[] | null
  /** By stage: event id -> interned id of the outcome, or -1. */
  readonly outcomes: Array<Map<number, number>>
}

interface KnownPool {
  readonly pool: Pool
  readonly events: ReadonlyArray<{ readonly id: number; readonly event: Event }>
  readonly proposals: ReadonlyMap<number, ReadonlyArray<{ readonly id: number; readonly event: Event }>>
}

const TIMEOUT: Event = { type: 'timeout' }
const STEP: Event = { type: 'step' }
const COMPUTE: Event = { type: 'compute' }
const CATCH_UPS = {
  A: { type: 'catch-up', value: 'A' },
  B: { type: 'catch-up', value: 'B' },
  ABORT: { type: 'catch-up', value: 'ABORT' }
} as const

const CRASHES: readonly Crash[] = ['none', 'unsent', 'unwritten']

/**
 * A state is `[stage, before and crash spent; id of each honest member's state]`, as 32-bit words; ids number every
 * member state that ever came up, so that the code of the machine runs once for each of them and each event.
 */
export class RoundModel {
  readonly configuration: Configuration
  readonly stages: readonly StageOfRound[]
  readonly honest: readonly number[]
  readonly width: number
  readonly #facts: Facts[] = []
  readonly #ids = new Map<string, number>()
  readonly #saidIds = new Map<string, number>()
  readonly #eventIds = new Map<string, number>()
  readonly #eventIdsSeen = new WeakMap<Event, number>()
  readonly #pools = new Map<string, KnownPool>()
  readonly #poolsByContent = new Map<string, KnownPool>()
  readonly #makers: readonly Pools[]
  /** Places in `honest` that nothing tells apart. */
  readonly #alike: readonly (readonly number[])[]
  readonly #scratch: Uint32Array
  readonly #other: Uint32Array

  constructor(configuration: Configuration) {
    this.configuration = configuration
    this.stages = stagesOf(configuration)
    this.honest = [...Array(SIZE).keys()].filter(place => place !== configuration.liar)
    this.#makers = this.stages.map(stage => new Pools(stage, configuration))
    this.width = 1 + this.honest.length
    this.#scratch = new Uint32Array(this.width)
    this.#other = new Uint32Array(this.width)
    const roles = new Map<string, number[]>()
    for (const [i, place] of this.honest.entries()) {
      const leads = this.stages.map(({ leaders }) => leaders.slice(0, configuration.views).indexOf(place))
      const role = `${leads.join()} ${place === configuration.victim}`
      roles.set(role, [...(roles.get(role) ?? []), i])
    }
    this.#alike = [...roles.values()].filter(list => list.length > 1)
  }

  /** Member states that came up. */
  get memberStates(): number {
    return this.#facts.length
  }

  initial(): Uint32Array {
    const key = new Uint32Array(this.width)
    let first = newMember(false)
    // By itself, the agreement on the result begins when the survivors are decided and not everyone has heard.
    if (this.configuration.scope === 'result') {
      first = newMember(true)
      key[0] = headOf(0, 'A', false)
    } else key[0] = headOf(0, null, false)
    key.fill(this.#intern(first), 1)
    return key
  }

  read(key: Uint32Array): RoundState {
    const { stage, before } = this.#head(key)
    return { stage, before, members: this.#members(key), pool: this.#pool(key).pool }
  }

  /**
   * Calls `found` with every state that may come next, in its canonical form; the array is used again.
   * @param raw - true to leave the states as they are, for a trace in which names do not change
   */
  successors(key: Uint32Array, found: (next: Uint32Array, move: Move) => void, raw = false): void {
    const { stageIndex, stage, before, crashed } = this.#head(key)
    const { pool, events, proposals } = this.#pool(key)
    const next = this.#scratch
    const { victim, crash: mayDieAs } = this.configuration
    const emit = (move: Move) => {
      if (!raw) this.canonical(next)
      found(next, move)
    }
    if (this.configuration.scope === 'round') {
      const over = pool.certificates.find(({ kind }) => stage.rules.voting.decides(kind))
      if (over !== undefined) {
        if (this.#goOn(key, next, stageIndex, over.value)) emit({ place: -1, event: null, crash: 'none' })
        return
      }
    }
    for (const [i, place] of this.honest.entries()) {
      const id = key[1 + i]!
      const facts = this.#facts[id]!
      const { member } = facts
      const mayDie = !crashed && (victim === undefined || victim === place)
      const take = (eventId: number, event: Event) => {
        for (const crash of CRASHES) {
          if (crash !== 'none' && (!mayDie || mayDieAs === 'none')) break
          if (crash === 'unwritten' && stage.rules.writesFirst) break
          const outcome = this.#outcome(id, stageIndex, eventId, event, crash)
          if (outcome < 0) continue
          next.set(key)
          next[1 + i] = outcome
          if (crash !== 'none' || event.type === 'restart') next[0] = headOf(stageIndex, before, true)
          emit({ place, event, crash })
        }
      }
      const takeNamed = (event: Event) => take(this.#eventId(event), event)
      if (mayDie) {
        facts.restarts ??= this.#restarts(member, stage)
        for (const event of facts.restarts) takeNamed(event)
      }
      if (member.behind) {
        takeNamed(CATCH_UPS[before!])
        continue
      }
      if (stage.subject === 'result' && !member.hasResult && this.#canOpen(key)) takeNamed(COMPUTE)
      takeNamed(STEP)
      const { view, decided } = member.agreement
      if (decided !== null) continue
      if (view + 1 < this.configuration.views) takeNamed(TIMEOUT)
      for (const { id: eventId, event } of events) take(eventId, event)
      if (stage.leaders[view % SIZE] !== place) continue
      for (const { id: eventId, event } of proposals.get(view) ?? []) take(eventId, event)
    }
  }

  /** Replaces a state by the one that stands for all that differ from it by names only. */
  canonical(key: Uint32Array): void {
    this.#sort(key)
    const { stage } = this.#head(key)
    // With some values left out, the two sets differ in more than their names.
    if (stage.subject !== 'survivors' || this.configuration.values !== undefined) return
    const other = this.#other
    other[0] = key[0]!
    for (let i = 1; i < this.width; i++) other[i] = this.#swapped(key[i]!, stage)
    this.#sort(other)
    for (let i = 1; i < this.width; i++) {
      if (other[i] === key[i]) continue
      if (other[i]! < key[i]!) key.set(other)
      return
    }
  }

  #sort(key: Uint32Array): void {
    for (const list of this.#alike) {
      const ids = list.map(i => key[1 + i]!).sort((a, b) => a - b)
      for (const [at, i] of list.entries()) key[1 + i] = ids[at]!
    }
  }

  #swapped(id: number, stage: StageOfRound): number {
    const facts = this.#facts[id]!
    if (facts.swapped < 0) {
      facts.swapped = this.#intern(withValuesSwapped(facts.member, stage.subject))
      this.#facts[facts.swapped]!.swapped = id
    }
    return facts.swapped
  }

  /** The next agreement begins; nobody has heard of it yet. @returns false if the round is over */
  #goOn(key: Uint32Array, next: Uint32Array, stageIndex: number, value: Value): boolean {
    const { subject, attempt } = this.stages[stageIndex]!
    if (subject === 'result') return false
    const following = this.stages.findIndex(stage =>
      value === 'ABORT'
        ? stage.attempt === attempt + 1 && stage.subject === 'survivors'
        : stage.attempt === attempt && stage.subject === 'result'
    )
    if (following < 0) return false
    next[0] = headOf(following, value as Before, this.#head(key).crashed)
    for (let i = 1; i < this.width; i++) {
      const { member } = this.#facts[key[i]!]!
      next[i] = this.#intern(value === 'ABORT' ? newMember(true) : goneOn(member))
    }
    return true
  }

  #restarts(member: Member, { subject }: StageOfRound): Event[] {
    if (this.configuration.crash === 'none') return []
    const { journal, behind } = member
    // Before it has heard of an attempt, a member has nothing in it to lose.
    if (behind && subject === 'survivors') return []
    const whole: Event = { type: 'restart', keep: journal.length, unknown: false }
    if (this.configuration.crash === 'restart') return [whole]
    return [...Array(journal.length + 1).keys()].flatMap(keep => {
      const event: Event = { type: 'restart', keep, unknown: false }
      // Those who hold what it said may answer, or not.
      return saidBeyond(member, keep) ? [event, { ...event, unknown: true }] : [event]
    })
  }

  /** As many bundles as a secret takes; the liar's may be there. */
  #canOpen(key: Uint32Array): boolean {
    let bundles = this.configuration.liar === null ? 0 : 1
    for (let i = 1; i < this.width; i++) if (this.#facts[key[i]!]!.member.releases.length > 0) bundles++
    return bundles >= THRESHOLD
  }

  #outcome(id: number, stageIndex: number, eventId: number, event: Event, crash: Crash): number {
    const { member, outcomes } = this.#facts[id]!
    const known = outcomes[stageIndex]!
    const at = eventId * CRASHES.length + CRASHES.indexOf(crash)
    const found = known.get(at)
    if (found !== undefined) return found
    const after = stepMember(member, event, this.stages[stageIndex]!, crash)
    const afterId = after === null ? -1 : this.#intern(after)
    const outcome = afterId === id ? -1 : afterId
    known.set(at, outcome)
    return outcome
  }

  #intern(member: Member): number {
    const text = memberText(member, this.configuration.crash === 'rolled-back')
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#facts.length
    const said = [...member.said.keys()].join()
    const saidId = this.#saidIds.get(said) ?? this.#saidIds.size
    this.#saidIds.set(said, saidId)
    this.#facts.push({
      member,
      saidId,
      swapped: -1,
      restarts: null,
      outcomes: this.stages.map(() => new Map())
    })
    this.#ids.set(text, id)
    return id
  }

  #eventId(event: Event): number {
    const seen = this.#eventIdsSeen.get(event)
    if (seen !== undefined) return seen
    const text = JSON.stringify(event)
    const id = this.#eventIds.get(text) ?? this.#eventIds.size
    this.#eventIds.set(text, id)
    this.#eventIdsSeen.set(event, id)
    return id
  }

  #pool(key: Uint32Array): KnownPool {
    let name = `${key[0]! & 15}`
    for (let i = 1; i < this.width; i++) name += `,${this.#facts[key[i]!]!.saidId}`
    const known = this.#pools.get(name)
    if (known !== undefined) return known
    const { stageIndex } = this.#head(key)
    const pool = this.#makers[stageIndex]!.poolOf(this.#members(key))
    const named = (events: readonly Event[]) => events.map(event => ({ id: this.#eventId(event), event }))
    const events = named(pool.events)
    const proposals = new Map([...pool.proposals].map(([view, all]) => [view, named(all)]))
    const content = `${stageIndex} ${events.map(({ id }) => id).join()} ${[...proposals.values()].map(all => all.map(({ id }) => id).join()).join(' ')}`
    const made = this.#poolsByContent.get(content) ?? { pool, events, proposals }
    this.#poolsByContent.set(content, made)
    this.#pools.set(name, made)
    return made
  }

  #members(key: Uint32Array): Map<number, Member> {
    return new Map(this.honest.map((place, i) => [place, this.#facts[key[1 + i]!]!.member]))
  }

  #head(key: Uint32Array) {
    const stageIndex = key[0]! & 15
    const before = ([null, 'A', 'B', 'ABORT'] as const)[(key[0]! >> 4) & 3]!
    return { stageIndex, stage: this.stages[stageIndex]!, before, crashed: (key[0]! & 64) !== 0 }
  }
}

function headOf(stageIndex: number, before: Before, crashed: boolean): number {
  const code = before === 'A' ? 1 : before === 'B' ? 2 : before === 'ABORT' ? 3 : 0
  return stageIndex | (code << 4) | (crashed ? 64 : 0)
}
