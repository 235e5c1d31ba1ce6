/** What a cohort of a larger network certifies counts above it, once, if its own quorum has said so in it. */
import { type Mutation, ofFile } from './mutation.ts'

const sums = 'test/protocols/cohort-sum.test.ts'
const lies = 'test/node/tree/lies.test.ts'

export const treeMutations: readonly Mutation[] = [
  ...ofFile('protocols/cohort-sum.ts', [
    {
      name: 'a cohort sum with any certificate is taken',
      attack: 7,
      find: 'if (!equalBytes(certificate.valueHash, hash) || !holds)',
      replace: 'if (!equalBytes(certificate.valueHash, hash) && !holds)',
      test: sums,
      grep: 'needs the commit votes'
    },
    {
      name: 'votes of one cohort of a larger network hold in another',
      attack: 12,
      find: 'return { ...ofRound, rosterHash, cohort: pathOfNode(node) }',
      replace: 'return { ...ofRound, rosterHash, cohort: String(node.level) }',
      test: sums,
      grep: 'needs the commit votes'
    }
  ]),
  ...ofFile('node/round/tree/parent-sums.ts', [
    {
      name: 'a cohort that certifies two sums is counted',
      attack: 16,
      find: "parent.children.set(node.index, { ...known, standing: 'useless' })",
      replace: '',
      test: lies,
      grep: 'certifies two sums'
    },
    {
      name: 'a sum that no inputs can have is counted',
      attack: 20,
      find: "standing: isSound ? 'held' : 'useless'",
      replace: "standing: isSound || child.standing === 'pulling' ? 'held' : 'useless'",
      test: lies,
      grep: 'no inputs can have'
    },
    {
      name: 'a leader leaves out a cohort whose sum is there',
      attack: 8,
      find: '(fresh && leavesOut(parent, counted))',
      replace: '(!fresh && leavesOut(parent, counted))',
      test: lies,
      grep: 'was here in time'
    },
    {
      name: 'a parent cohort votes for what it has not added up itself',
      attack: 17,
      find: "return equalBytes(own, bytes) ? judgeExpulsions(draft, parent, expulsions) : 'invalid'",
      replace: 'return judgeExpulsions(draft, parent, expulsions)',
      test: lies,
      grep: 'what the sums below add up to'
    }
  ]),
  ...ofFile('node/round/tree/routes.ts', [
    {
      name: 'words of another cohort are taken for this one',
      attack: 12,
      find: "const node = nodeAt(tree, context.cohort ?? '')",
      replace: "const node = attempt?.place?.node ?? nodeAt(tree, context.cohort ?? '')",
      test: lies,
      grep: 'means nothing in another'
    }
  ])
]
