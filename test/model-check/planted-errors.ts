/** Rules with one error each. Every one of them must end in a violation. */
import type { Certificate } from '../../protocols/messages.js'
import { type Configuration, soundRules } from './configuration.ts'
import type { RulesUnderTest } from './member-step.ts'
import { FAULTS } from './words.ts'

export interface PlantedError {
  readonly name: string
  readonly rules: RulesUnderTest
  /** Where it shows. */
  readonly where: Pick<Configuration, 'scope' | 'liar' | 'crash'> &
    Partial<Pick<Configuration, 'views' | 'values'>>
  /** Found only after more states than a quick test visits. */
  readonly isSlow?: true
  /** What the explorer must say. */
  readonly breach: RegExp
}

const { voting, release } = soundRules
const withVoting = (part: Partial<RulesUnderTest['voting']>): RulesUnderTest => ({
  ...soundRules,
  voting: { ...voting, ...part }
})
const withRelease = (part: Partial<RulesUnderTest['release']>): RulesUnderTest => ({
  ...soundRules,
  release: { ...release, ...part }
})

const smallQuorum = FAULTS + 1

export const plantedErrors: readonly PlantedError[] = [
  {
    name: 'shares are released on a prepare certificate',
    rules: withRelease({
      releasable: ({ decided, lock }, { participation, isDealer, released }) =>
        participation === 'full' && isDealer && !released ? (decided ?? lock) : null
    }),
    where: { scope: 'survivors', liar: 3, crash: 'none' },
    breach: /released for/
  },
  {
    name: 'a new leader ignores the lock',
    rules: withVoting({
      freedomOf: (view, reports, quorum) =>
        voting.freedomOf(
          view,
          reports.map(() => undefined),
          quorum
        )
    }),
    where: { scope: 'survivors', liar: 3, crash: 'none' },
    breach: /two values have commit certificates/
  },
  {
    name: 'an abort without a quorum of new-views',
    rules: withVoting({
      freedomOf: (view, reports, quorum) => voting.freedomOf(view, reports, Math.min(quorum, smallQuorum))
    }),
    where: { scope: 'survivors', liar: 1, crash: 'none', values: ['A', 'ABORT'] },
    breach: /two values have commit certificates: A and ABORT/
  },
  {
    name: 'a certificate of f + 1 votes',
    rules: withVoting({
      holds: ({ kind, signatures }: Certificate, wanted) =>
        kind === wanted && signatures.length >= smallQuorum
    }),
    where: { scope: 'survivors', liar: 0, crash: 'none' },
    breach: /two values have commit certificates/
  },
  {
    name: 'a decision on a prepare certificate',
    rules: withVoting({ decides: () => true }),
    where: { scope: 'survivors', liar: 3, crash: 'none' },
    breach: /without a commit certificate/
  },
  {
    name: 'a second vote in a view',
    rules: withVoting({ mayVote: (bonds, _kind, view) => voting.isOpen(bonds, view) }),
    where: { scope: 'survivors', liar: 0, crash: 'none' },
    breach: /two different things|two values/
  },
  {
    name: 'a vote in a view that was given up',
    rules: withVoting({
      isOpen: ({ decided }) => decided === null,
      mayVote: ({ decided, prepared, committed }, kind, view) =>
        decided === null && !(kind === 'prepare' ? prepared : committed).has(view)
    }),
    where: { scope: 'survivors', liar: 3, crash: 'none' },
    breach: /two values have commit certificates/
  },
  {
    name: 'a new-view that keeps quiet about a lock',
    rules: withVoting({ reported: () => null }),
    where: { scope: 'survivors', liar: 3, crash: 'none' },
    breach: /two values have commit certificates/
  },
  {
    name: 'the lowest prepare certificate is repeated, not the highest',
    rules: withVoting({
      freedomOf(view, reports, quorum) {
        const lowest = reports.filter(report => report !== undefined).sort((a, b) => a.view - b.view)[0]
        return voting.freedomOf(view, lowest === undefined ? reports : reports.map(() => lowest), quorum)
      }
    }),
    where: { scope: 'survivors', liar: 3, crash: 'none', views: 3 },
    isSlow: true,
    breach: /two values have commit certificates/
  },
  {
    name: 'a restart that forgets its votes',
    rules: { ...soundRules, restored: () => [] },
    where: { scope: 'survivors', liar: 0, crash: 'restart' },
    breach: /two different things/
  },
  {
    name: 'a restart that forgets its lock',
    rules: {
      ...soundRules,
      restored: journal =>
        journal.map(entry => {
          if (entry.kind !== 'vote') return entry
          const { lock: _, ...rest } = entry
          return rest
        })
    },
    where: { scope: 'survivors', liar: 3, crash: 'restart' },
    isSlow: true,
    breach: /two values have commit certificates/
  },
  {
    name: 'a vote that is sent before it is written down',
    rules: { ...soundRules, writesFirst: false },
    where: { scope: 'survivors', liar: 0, crash: 'restart' },
    breach: /two different things/
  },
  {
    name: 'shares are released again',
    rules: withRelease({
      releasable: ({ decided }, { participation, isDealer }) =>
        participation === 'full' && isDealer ? decided : null
    }),
    where: { scope: 'survivors', liar: 3, crash: 'none' },
    breach: /released its shares twice/
  },
  {
    name: 'a result that its signer has not computed',
    rules: withRelease({ judgeResult: () => 'valid' }),
    where: { scope: 'result', liar: 0, crash: 'none' },
    breach: /wrong result/
  },
  {
    name: 'who cannot open the sum never signs a result that a quorum stands behind',
    rules: withRelease({ judgeResult: proposed => release.judgeResult({ ...proposed, isRepeated: false }) }),
    where: { scope: 'result', liar: 3, crash: 'none' },
    breach: /no progress/
  },
  {
    name: 'a loss that those with a result never agree to',
    rules: withRelease({
      judgeResult: proposed => release.judgeResult({ ...proposed, everyoneHasLed: false })
    }),
    where: { scope: 'result', liar: 3, crash: 'none' },
    breach: /no progress/
  }
]
