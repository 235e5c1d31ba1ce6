/** What one exploration covers. */
import { releaseRules } from '../../node/round/release-rules.ts'
import { votingRules } from '../../node/round/voting-rules.ts'
import type { RulesUnderTest, Stage } from './member-step.ts'
import { type AgreementSubject, SIZE, type Value } from './words.ts'

export interface Configuration {
  readonly name: string
  /**
   * `survivors` or `result`: one agreement, every interleaving to its end, also after it was decided. `round`: two
   * attempts, in which an agreement that is decided is over: who has not heard can only hear of it.
   */
  readonly scope: AgreementSubject | 'round'
  /** The liar's place, or null if nobody lies. */
  readonly liar: number | null
  readonly views: number
  readonly attempts: number
  /** A member may die and come back, once. `rolled-back`: the end of its journal is lost as well. */
  readonly crash: 'none' | 'restart' | 'rolled-back'
  /** Only this member may die; anyone by default. */
  readonly victim?: number
  /** By attempt: who leads view 0, 1, and so on. */
  readonly leaders: readonly (readonly number[])[]
  /** What may be proposed, where not everything may. */
  readonly values?: readonly Value[]
  readonly rules: RulesUnderTest
}

export const soundRules: RulesUnderTest = {
  voting: votingRules,
  release: releaseRules,
  restored: journal => journal,
  writesFirst: true
}

const VALUES_OF: Readonly<Record<AgreementSubject, readonly Value[]>> = {
  survivors: ['A', 'B', 'ABORT'],
  result: ['RESULT', 'LOST', 'WRONG']
}

export interface StageOfRound extends Stage {
  readonly attempt: number
}

/** The agreements that are explored, in the order of a round. */
export function stagesOf({ scope, attempts, leaders, rules, views, values }: Configuration): StageOfRound[] {
  const subjects: AgreementSubject[] = scope === 'round' ? ['survivors', 'result'] : [scope]
  return Array.from({ length: scope === 'round' ? attempts : 1 }, (_, attempt) =>
    subjects.map(subject => ({
      subject,
      attempt,
      rules,
      values: values ?? VALUES_OF[subject],
      leaders: leaders[attempt] ?? [...Array(SIZE).keys()],
      // Sooner than in the machine (view 4): the last view of the model stands for all that follow.
      everyoneHasLedAt: Math.max(1, views - 1)
    }))
  ).flat()
}
