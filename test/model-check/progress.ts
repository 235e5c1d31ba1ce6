/**
 * Progress: from every state, once what is said arrives and nobody else dies, every live honest member decides. The
 * worst is assumed of the past: all that was under way is lost, so only what members hold counts. The liar is silent
 * from then on; if nobody lies, any one member may be dead instead.
 */
import { newAgreement } from '../../node/round/agreement.ts'
import type { StageOfRound } from './configuration.ts'
import { bare, lockOf, type Member, memberText, newMember } from './member.ts'
import { type Event, groundsOf, type Stage, stepMember } from './member-step.ts'
import type { RoundModel, RoundState } from './round-model.ts'
import { type Lock, lockText, QUORUM, SIZE, THRESHOLD, type Value } from './words.ts'

/** Every member leads thrice: the first time around, not everyone may give up yet. */
const TURNS = 3 * SIZE

/** What the rest of the world does for the members, at its worst and at its best. */
interface Fortune {
  /** Of enough bundles the sum can be opened by those who have not done so yet: wrong shares may open for some only. */
  readonly opens: boolean
  /** Enough inputs came for a survivor set. */
  readonly hasInputs: boolean
  readonly dead: number | null
}

export interface Progress {
  /** @returns who is stuck, or null */
  breachOf(state: RoundState): string | null
}

export function progressOf({ configuration, honest }: RoundModel): Progress {
  const { liar, crash, views } = configuration
  const known = new Map<string, string | null>()
  const rests = new Map<Member, string>()
  const restText = (member: Member, subject: string): string => {
    const found = rests.get(member) ?? memberText(restOf(member, subject, views), false)
    rests.set(member, found)
    return found
  }
  const deaths = liar === null && crash !== 'rolled-back' ? [null, ...honest] : [null]
  const fortunesOf = (subject: string): Fortune[] =>
    deaths.flatMap((dead): Fortune[] =>
      subject === 'survivors'
        ? [true, false].map(hasInputs => ({ hasInputs, opens: true, dead }))
        : (liar === null ? [true] : [true, false]).map(opens => ({ hasInputs: true, opens, dead }))
    )
  return {
    breachOf({ stage, before, members }) {
      let name = `${stage.attempt} ${stage.subject} ${before}`
      for (const member of members.values()) name += `\n${restText(member, stage.subject)}`
      const found = known.get(name)
      if (found !== undefined) return found
      const rest = new Map(
        [...members].map(([place, member]) => [place, restOf(member, stage.subject, views)])
      )
      let breach: string | null = null
      for (const fortune of fortunesOf(stage.subject))
        breach ??= stuckWith(rest, stage, before, views, fortune)
      known.set(name, breach)
      return breach
    }
  }
}

/** What is left of a member when all that was said is lost and its view is over: what the rules still ask for. */
function restOf(member: Member, subject: string, views: number): Member {
  const { agreement, survivors, participation, released, releases, hasShares, hasResult, behind } = member
  const { prepared, lock, decided } = agreement
  const state = { ...newAgreement(), view: views - 1, lock, decided }
  const rest = { ...newMember(behind), survivors, participation, released, hasShares }
  if (subject === 'survivors') return { ...rest, agreement: bare(state) }
  return { ...rest, agreement: bare({ ...state, prepared }), releases, hasResult }
}

function stuckWith(
  rest: ReadonlyMap<number, Member>,
  stage: StageOfRound,
  before: Value | null,
  views: number,
  fortune: Fortune
): string | null {
  const live = new Map([...rest].filter(([place]) => place !== fortune.dead))
  const patient: Stage = { ...stage, everyoneHasLedAt: SIZE }
  const all = (event: Event) => {
    for (const [place, member] of live) live.set(place, stepMember(member, event, patient, 'none') ?? member)
  }
  if (before !== null) all({ type: 'catch-up', value: before })
  if (stage.subject === 'result' && fortune.opens) {
    const bundles = [...live.values()].filter(({ releases }) => releases.length > 0).length
    if (bundles >= THRESHOLD) all({ type: 'compute' })
  }
  for (let view = views; view < views + TURNS && !tellDecision(live, all); view++) {
    playView(live, patient, view, fortune, all)
  }
  const stuck = [...live].filter(([, { agreement }]) => agreement.decided === null)
  if (stuck.length === 0) return null
  const who = stuck.map(
    ([place, { agreement, hasResult }]) =>
      `member ${place} (${lockText(lockOf(agreement.lock))}${hasResult ? ', has a result' : ''})`
  )
  const dead = fortune.dead === null ? 'nobody is dead' : `member ${fortune.dead} is dead`
  const opens = fortune.opens ? '' : ', the shares do not open for the others'
  return `no progress although every word arrives: ${who.join(', ')} never decide (${dead}${opens})`
}

/** Who has decided answers a new-view with the certificate. @returns true if everyone has decided */
function tellDecision(live: ReadonlyMap<number, Member>, all: (event: Event) => void): boolean {
  for (const { agreement } of live.values()) {
    const decision = lockOf(agreement.decided)
    if (decision !== null) all({ type: 'certificate', kind: 'commit', ...decision })
  }
  return [...live.values()].every(({ agreement }) => agreement.decided !== null)
}

function playView(
  live: Map<number, Member>,
  stage: Stage,
  view: number,
  { hasInputs }: Fortune,
  all: (event: Event) => void
): void {
  all({ type: 'timeout' })
  const place = stage.leaders[view % SIZE]!
  const leader = live.get(place)
  if (leader === undefined) return
  const reports: Array<Lock | null> = [...live.values()].flatMap(({ said }) =>
    [...said.values()].flatMap(word => (word.type === 'new-view' && word.view === view ? [word.lock] : []))
  )
  const values = stage.values
  // Whoever can propose a survivor set does; else an abort.
  const wishes = stage.subject === 'survivors' && !hasInputs ? [...values].reverse() : values
  for (const value of wishes) {
    const event: Event = { type: 'propose', view, value, reports }
    const proposed = stepMember(leader, event, stage, 'none')
    const grounds = groundsOf(stage, view, value, reports)
    if (proposed === null || grounds === null) continue
    live.set(place, proposed)
    all({ type: 'proposal', view, value, grounds })
    for (const kind of ['prepare', 'commit'] as const) {
      const vote = `${kind} ${view} ${value}`
      const votes = [...live.values()].filter(({ said }) => said.has(vote)).length
      if (votes >= QUORUM) all({ type: 'certificate', kind, view, value })
    }
    return
  }
}
