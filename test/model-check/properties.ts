/** What must hold in every state. */
import type { Configuration } from './configuration.ts'
import { lockOf, type Member } from './member.ts'
import type { Pool } from './pool.ts'
import type { RoundState } from './round-model.ts'
import type { Value } from './words.ts'

/** @returns what is broken, or null */
export function breachOf(
  { stage, members, pool, before }: RoundState,
  { crash }: Configuration
): string | null {
  const committed = committedIn(pool)
  if (committed.length > 1) return `two values have commit certificates: ${committed.join(' and ')}`
  let decided: Value | null = null
  let released: Value | null = null
  let faulty = 0
  for (const [place, member] of members) {
    const { decision, twice } = summaryOf(member)
    const { releases } = member
    if (releases.length > 1)
      return `member ${place} has released its shares twice: for ${releases.join(' and ')}`
    // Who loses the end of its journal may contradict itself: it is the one fault that the others must bear.
    if (twice !== null && (crash !== 'rolled-back' || faulty++ > 0))
      return `member ${place} has said two different things: ${twice}`
    if (decision !== null) {
      if (!committed.includes(decision)) return `${decision} was decided without a commit certificate`
      if (decided !== null && decided !== decision)
        return `members decided differently: ${decided} and ${decision}`
      decided = decision
    }
    const set = releases[0]
    if (set === undefined) continue
    if (released !== null && released !== set)
      return `shares were released for two survivor sets: ${released} and ${set}`
    released = set
  }
  const certified = stage.subject === 'survivors' ? committed : [before]
  if (released !== null && !certified.some(value => value === released))
    return `shares were released for ${released}, which has no commit certificate`
  return committed.includes('WRONG') ? 'a wrong result has a commit certificate' : null
}

/** What of a member alone matters; the same member comes up in many states. */
interface Summary {
  readonly decision: Value | null
  /** What it has said for two values in one view: a vote, or a proposal as its leader. */
  readonly twice: string | null
}

const summaries = new WeakMap<Member, Summary>()

function summaryOf(member: Member): Summary {
  const known = summaries.get(member)
  if (known !== undefined) return known
  const { agreement, said } = member
  const words = [...said.values()].flatMap(word =>
    word.type === 'new-view' ? [] : [`${word.type === 'vote' ? word.kind : word.type} in view ${word.view}`]
  )
  const summary = {
    decision: lockOf(agreement.decided)?.value ?? null,
    twice: words.find((word, i) => words.indexOf(word) < i) ?? null
  }
  summaries.set(member, summary)
  return summary
}

const commitments = new WeakMap<Pool, readonly Value[]>()

function committedIn(pool: Pool): readonly Value[] {
  const known = commitments.get(pool)
  if (known !== undefined) return known
  const values = pool.certificates.filter(({ kind }) => kind === 'commit').map(({ value }) => value)
  const distinct = [...new Set(values)]
  commitments.set(pool, distinct)
  return distinct
}
