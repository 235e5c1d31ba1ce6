/** Who is found out by what it signed is blamed, and nobody else. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const test = attackTest('blamed-and-expelled')

export const blameMutations: readonly Mutation[] = [
  ...ofFile('node/round/blame.ts', [
    {
      name: 'two messages that contradict each other are not held against their sender',
      attack: 16,
      find: "if (other !== undefined) blame(draft, encodeEvidence('equivocation', [other.message, message]))",
      replace: 'void other',
      test,
      grep: 'attack 16'
    },
    {
      name: 'a share that does not match its hash is not held against the responder',
      attack: 15,
      find: 'if (equalBytes(shareHash(kind, dealer!, holder, share, crypto), expected)) return',
      replace: 'if (expected.length > 0) return',
      test,
      grep: 'as responder'
    },
    {
      name: 'shares that give another secret are not held against the dealer',
      attack: 15,
      find: "blame(draft, encodeEvidence('bad-secret', [held.message], { roster, secret, revealed }))",
      replace: 'void [roster, secret, revealed]',
      test,
      grep: 'as dealer'
    },
    {
      name: 'a wrong result is not held against who proposed it',
      attack: 17,
      find: "blame(draft, encodeEvidence('wrong-result', [message], { ...ofVote, link: certified }))",
      replace: 'void ofVote',
      test,
      grep: 'attack 17'
    },
    {
      name: 'evidence is believed unchecked when it is kept',
      attack: 16,
      find: 'if (!verdict.holds) return verdict.later ? undefined : refuse(draft, message, verdict.reason)',
      replace: '',
      test,
      grep: 'evidence of its own making'
    }
  ]),
  ...ofFile('node/round/expulsion.ts', [
    {
      name: 'who is blamed stays a member',
      attack: 16,
      find: 'if (evidence === undefined || decided.some(expulsion => expulsion.peer === peer)) return []',
      replace: 'if (evidence !== null || decided.some(expulsion => expulsion.peer === peer)) return []',
      test,
      grep: 'attack 16'
    },
    {
      name: 'anyone may be expelled on evidence against another',
      attack: 16,
      find: "} else if (held.culprit !== peer || held.kind !== kind) return 'invalid'",
      replace: '}',
      test,
      grep: 'evidence against another'
    }
  ])
]
