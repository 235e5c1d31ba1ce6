/** Defences of a run that has lost its quorum: when its author may name the members anew. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const chainTest = 'test/protocols/reconfiguration.test.ts'
const machineTest = attackTest('named-anew-too-early')

export const standingDownMutations: readonly Mutation[] = [
  ...ofFile('protocols/stand-down.ts', [
    {
      name: 'too few stand down',
      attack: 27,
      find: 'return faultsOf(cohort.length) + 1',
      replace: 'return faultsOf(cohort.length)',
      test: chainTest
    },
    {
      name: 'one that may know of a link stands down',
      attack: 27,
      find: 'if (lockIn(message) !== null) return',
      replace: 'if (lockIn(message)?.length === 0) return',
      test: chainTest
    },
    {
      name: 'a promise of another attempt',
      attack: 27,
      find: "if (!isOfAttempt(message.context, tip, run)) return 'a stand-down is of another attempt'",
      replace: '',
      test: chainTest
    },
    {
      name: 'a promise of one who has no vote',
      attack: 27,
      find: 'if (!cohort.includes(message.sender)) return',
      replace: 'if (cohort.length === 0) return',
      test: chainTest
    },
    {
      name: 'one member stands down twice',
      attack: 27,
      find: 'const sorted = [...new Set(senders)].sort(byId)',
      replace: 'const sorted = [...senders].sort(byId)',
      test: chainTest
    }
  ]),
  ...ofFile('node/round/standing-down.ts', [
    {
      name: 'a member stands down though it sees a quorum',
      attack: 27,
      find: 'return cohortInReach(attempt, state.reach, deps.self).length < attempt.quorum',
      replace: 'return cohortInReach(attempt, state.reach, deps.self).length < 1e9',
      test: machineTest
    },
    {
      name: 'who has stood down speaks on',
      attack: 27,
      find: "attempt.participation = 'silent'",
      replace: '',
      test: machineTest
    },
    {
      name: 'a stand-down that is not written down',
      attack: 27,
      find: "draft.effects.push({ type: 'journal', entry: { round, attempt: number, kind: 'stand-down' } })",
      replace: '',
      test: machineTest
    }
  ])
]
