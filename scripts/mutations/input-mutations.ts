/** Whose masked input counts: all that honest members hold, once each, and nobody's twice. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const censored = attackTest('censored-header')
const equivocated = attackTest('equivocated-input')
const overlapping = attackTest('overlapping-lists')
const withheld = attackTest('withheld-body')
const liesAboutInputs = 'test/node/round/lies-about-inputs.test.ts'

export const inputMutations: readonly Mutation[] = [
  ...ofFile('node/round/survivors.ts', [
    {
      name: 'headers need not be those that the inventories list',
      attack: 8,
      find: "if (!match) return 'invalid'",
      replace: "if (!match && headers.length === 0) return 'invalid'",
      test: censored
    },
    {
      name: 'a header takes one list more than f + 1',
      attack: 8,
      find: '({ holders }) => holders.length > attempt.verifiers.faults',
      replace: '({ holders }) => holders.length > attempt.verifiers.faults + 1',
      test: withheld,
      grep: 'from all but f'
    },
    {
      name: 'an inventory counts as often as it is shown',
      attack: 8,
      find: "if (new Set(inventories.map(({ sender }) => sender)).size !== inventories.length) return 'invalid'",
      replace: '',
      test: censored
    },
    {
      name: 'fewer inventories than a quorum are enough',
      attack: 8,
      find: "if (inventories.length < attempt.verifiers.quorum) return 'invalid'",
      replace: '',
      test: censored
    },
    {
      name: 'one list more than none is enough for a header',
      attack: 19,
      find: '({ holders }) => holders.length > attempt.verifiers.faults',
      replace: '({ holders }) => holders.length > 0',
      test: liesAboutInputs,
      grep: 'lists headers that nobody sent'
    },
    {
      name: 'f lists are enough for a header',
      attack: 19,
      find: '({ holders }) => holders.length > attempt.verifiers.faults',
      replace: '({ holders }) => holders.length >= attempt.verifiers.faults',
      test: withheld,
      grep: 'f + 1 lists short'
    },
    {
      name: 'one inventory that the leader did not take counts for nothing: any set may be proposed',
      attack: 2,
      find: 'header.sender === peer && equalBytes(header.hash, hash) && openHeader(draft, attempt, header) !== null',
      replace: 'openHeader(draft, attempt, header) !== null && peer !== hash.join()',
      test: overlapping,
      grep: 'are not voted for'
    },
    {
      name: 'the leader lets in and out whom it likes',
      attack: 8,
      find: "if (members.join() !== decision.nextMembers.join()) return 'invalid'",
      replace: '',
      test: censored
    },
    {
      name: 'a body that is missing after the commit is not asked for',
      attack: 19,
      find: 'pull(draft, attempt, message.sender, { address, length }, holders)',
      replace: '{}',
      test: withheld,
      grep: 'after the commit'
    },
    {
      name: 'after the commit a body is asked of its owner alone',
      attack: 19,
      find: 'pull(draft, attempt, message.sender, { address, length }, holders)',
      replace:
        'pull(draft, { ...attempt, ranked: [], faults: 0 }, message.sender, { address, length }, holders.slice(0, 0))',
      test: withheld,
      grep: 'after the commit'
    },
    {
      name: 'a body under another header than the committed one counts as held',
      attack: 16,
      find: 'if (known === undefined || !equalBytes(known.hash, message.hash)) attempt.held.delete(message.sender)',
      replace: '',
      test: equivocated,
      grep: 'serves both bodies'
    }
  ]),
  ...ofFile('node/round/inputs.ts', [
    {
      name: 'who announces two masked inputs is counted with one of them',
      attack: 16,
      find: 'attempt.equivocators.add(sender)',
      replace: '',
      test: equivocated,
      grep: 'announces two'
    },
    {
      name: 'the second of two masked inputs takes the place of the first',
      attack: 16,
      find: 'if (first !== undefined) {\n    if (equalBytes(first.hash, message.hash)) return',
      replace:
        'if (first !== undefined && first.hash.length === 0) {\n    if (equalBytes(first.hash, message.hash)) return',
      test: equivocated,
      grep: 'announces two'
    },
    {
      name: 'a masked input for another U2 is taken',
      attack: 12,
      find: 'const ofSet = decided !== null && equalBytes(header.sharesHash, decided.certificate.valueHash)',
      replace: 'const ofSet = decided !== null',
      test: liesAboutInputs,
      grep: 'another length, another U2'
    },
    {
      name: 'a masked input of any length is taken',
      attack: 16,
      find: 'return ofSet && header.length === bodyBytesOf(draft, attempt) ? header : null',
      replace: 'return ofSet ? header : null',
      test: liesAboutInputs,
      grep: 'another length, another U2'
    },
    {
      name: 'an inventory may list one header twice',
      attack: 8,
      find: '(i === 0 || headers[i - 1]!.index < index)',
      replace: '(i === 0 || headers[i - 1]!.index <= index)',
      test: liesAboutInputs,
      grep: 'lists a header twice'
    },
    {
      name: 'a masked input of somebody outside U2 is taken',
      attack: 9,
      find: '!dealers.includes(message.sender)\n  ) {',
      replace: "message.sender === ''\n  ) {",
      test: attackTest('bad-share')
    },
    {
      name: 'an input goes on being announced after the commit',
      attack: 9,
      find: 'attempt.headers.has(self) || attempt.survivors !== null) return',
      replace: 'attempt.headers.has(self)) return',
      test: attackTest('late-input')
    }
  ])
]
