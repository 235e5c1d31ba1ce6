/** Shares are released once, for one committed set of enough members, by those who know what they said. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const complementary = attackTest('complementary-shares')
const overlapping = attackTest('overlapping-lists')
const rolledBack = attackTest('rolled-back-journal')
const crash = attackTest('crash-between-words')
const badShare = attackTest('bad-share')

export const releaseMutations: readonly Mutation[] = [
  ...ofFile('node/round/unmasking.ts', [
    {
      name: 'shares are released for fewer than t inputs',
      attack: 1,
      find: 'if (alive.length < attempt.quorum || alive.length !== survivors.length) return',
      replace: 'if (alive.length !== survivors.length) return',
      test: complementary,
      grep: 'a coalition that certifies'
    },
    {
      name: 'shares are released for a set with one member in it twice',
      attack: 2,
      find: 'if (alive.length < attempt.quorum || alive.length !== survivors.length) return',
      replace: 'if (survivors.length < attempt.quorum) return',
      test: complementary,
      grep: 'a coalition that certifies'
    },
    {
      name: 'a second release in one attempt',
      attack: 1,
      find: 'attempt.released = true\n  const survivorsHash',
      replace: 'const survivorsHash',
      test: overlapping,
      grep: 'are not made'
    },
    {
      name: 'the mask key of a survivor is given away beside its seed',
      attack: 2,
      find: 'const keyShares = dropped.map(',
      replace: 'const keyShares = alive.map(',
      test: overlapping,
      grep: 'are not made'
    },
    {
      name: 'both kinds of share of everyone in a bundle',
      attack: 2,
      find: 'const keyShares = dropped.map(',
      replace: 'const keyShares = [...alive, ...dropped].map(',
      test: overlapping,
      grep: 'are not made'
    },
    {
      name: 'a bundle with both kinds of share for one member is taken',
      attack: 2,
      find: 'if (bundle.seedShares.length !== alive.length || bundle.keyShares.length !== dropped.length) {',
      replace: 'if (bundle.seedShares.length < alive.length) {',
      test: overlapping,
      grep: 'are not answered for'
    },
    {
      name: 'a bundle for another survivor set is taken',
      attack: 1,
      find: 'if (!equalBytes(bundle.survivorsHash, decided))',
      replace: 'if (bundle.survivorsHash.length === 0)',
      test: complementary,
      grep: 'collect a bundle for each'
    },
    {
      name: 'a released share of another length is taken',
      attack: 15,
      find: 'if (!shares.every(({ length }) => length === SHARE_BYTES || length === 0))',
      replace: 'if (shares.length < 0)',
      test: badShare,
      grep: 'of another length is refused'
    },
    {
      name: 'a share that its dealer committed to as empty is used',
      attack: 15,
      find: 'if (share.length !== SHARE_BYTES) continue',
      replace: '',
      test: badShare,
      grep: 'that is missing'
    },
    {
      name: 'a released share need not match its hash',
      attack: 15,
      find: "if (equalBytes(kind === 'seed' ? hashes.seedShareHash : hashes.keyShareHash, expected))",
      replace: 'if (hashes.seedShareHash.length === expected.length)',
      test: badShare,
      grep: 'matches no hash'
    },
    {
      name: 'a secret is recovered from one share less than t',
      attack: 10,
      find: 'if (shares.length < attempt.quorum) continue\n    const secret = recoverSecret(shares, attempt.quorum)',
      replace:
        'if (shares.length < attempt.quorum - 1) continue\n    const secret = recoverSecret(shares, attempt.quorum - 1)',
      test: badShare,
      grep: 'matches no hash'
    }
  ]),
  ...ofFile('protocols/evidence.ts', [
    {
      name: 'a recovered seed is not held against its commitment',
      attack: 15,
      find: '? equalBytes(crypto.sha256(secret), selfSeedHash)',
      replace: '? secret.length === selfSeedHash.length',
      test: badShare,
      grep: 'recovers no seed'
    },
    {
      name: 'a recovered mask key is not held against its public key',
      attack: 15,
      find: ': equalBytes(crypto.x25519PublicKey(secret), maskKey)',
      replace: ': secret.length === maskKey.length',
      test: badShare,
      grep: 'recovers no mask key'
    }
  ]),
  ...ofFile('node/round/release-rules.ts', [
    {
      name: 'a member goes on in full after a restart',
      attack: 3,
      find: "return spoke ? 'voter' : 'full'",
      replace: "return spoke ? 'full' : 'full'",
      test: crash
    },
    {
      name: 'a member whose journal was rolled back votes on',
      attack: 4,
      find: "if (unknownWords) return 'silent'",
      replace: "if (unknownWords) return 'voter'",
      test: rolledBack
    },
    {
      name: 'a result that is not its own is signed by a member that has one',
      attack: 17,
      find: "if (hasResult) return 'invalid'",
      replace: "if (hasResult) return 'valid'",
      test: attackTest('wrong-sum')
    },
    {
      name: 'a loss is agreed to by a member that can finish',
      attack: 17,
      find: "if (isLoss) return mayLose(proposed) ? 'valid' : 'invalid'",
      replace: "if (isLoss) return 'valid'",
      test: 'test/node/round/lying-aggregator.test.ts',
      grep: 'LOST'
    }
  ]),
  ...ofFile('node/round/resume.ts', [
    {
      name: 'words of its own that a journal does not explain are overlooked',
      attack: 4,
      find: 'message.sender === draft.deps.self && isOfAttempt(attempt, message) && !journalled(journal, message)',
      replace: 'message.sender === draft.deps.self && isOfAttempt(attempt, message) && journal.length < 0',
      test: rolledBack
    },
    {
      name: 'old words of its own, served by a liar, silence a member',
      attack: 4,
      find: 'message.sender === draft.deps.self && isOfAttempt(attempt, message) && !journalled(journal, message)',
      replace: 'message.sender === draft.deps.self && !journalled(journal, message)',
      test: rolledBack,
      grep: 'is not feigned'
    },
    {
      name: 'a member speaks before a quorum has said what it holds of it',
      attack: 4,
      find: 'if (event.answers < attempt.quorum - 1) return',
      replace: 'if (event.answers < 1) return',
      test: rolledBack,
      grep: 'says nothing before a quorum'
    },
    {
      name: 'a vote for another value than in the journal is explained by it',
      attack: 4,
      find: 'entry.view === view &&\n          equalBytes(entry.valueHash, valueHash)',
      replace: 'entry.view >= 0',
      test: rolledBack,
      grep: 'other votes than it cast'
    }
  ]),
  ...ofFile('node/round/decisions.ts', [
    {
      name: 'a member back from an old copy of its disk speaks in the next attempt unasked',
      attack: 4,
      find: "assembly => assembly === null || assembly.participation === 'full'",
      replace: 'assembly => assembly !== undefined',
      test: rolledBack,
      grep: 'a copy of before'
    }
  ]),
  ...ofFile('node/round/voting-journal.ts', [
    {
      name: 'votes are not written down',
      attack: 3,
      find: "if (output.type !== 'vote') return null",
      replace: 'return null',
      test: rolledBack
    },
    {
      name: 'the lock does not come back with the journal',
      attack: 3,
      find: 'if (entry.lock === undefined) return',
      replace: 'return',
      test: attackTest('ignored-lock'),
      grep: 'came back with the journal'
    }
  ]),
  ...ofFile('node/round/voting.ts', [
    {
      name: 'a vote is sent before it is in the journal',
      attack: 3,
      find: `writeDown(draft, attempt, subject, vote)
  send(
    draft,
    voteRecipients(setting, view),
    seal(draft, kind, setting.context, votePayload(subject, view, valueHash))
  )`,
      replace: `send(
    draft,
    voteRecipients(setting, view),
    seal(draft, kind, setting.context, votePayload(subject, view, valueHash))
  )
  writeDown(draft, attempt, subject, vote)`,
      test: crash,
      grep: 'in the journal before'
    },
    {
      name: 'a new-view is sent that is not in the journal',
      attack: 3,
      find: "writeDown(draft, attempt, subject, { type: 'new-view', view })",
      replace: '',
      test: crash
    }
  ]),
  ...ofFile('node/round/roster.ts', [
    {
      name: 'keys are advertised without a word in the journal',
      attack: 3,
      find: `draft.effects.push({
    type: 'journal',
    entry: { round, attempt: number, kind: 'advertise', ...placeInJournal(attempt.context) }
  })`,
      replace: 'void [round, number, placeInJournal]',
      test: crash
    }
  ]),
  ...ofFile('node/peer/machine-loop.ts', [
    {
      name: 'the next effect does not wait for the journal',
      attack: 3,
      find: 'await this.#perform(effect)',
      replace: 'void this.#perform(effect)',
      test: 'test/node/peer/machine-loop.test.ts'
    }
  ]),
  ...ofFile('node/peer/journal-store.ts', [
    {
      name: 'a journal that cannot be written goes on',
      attack: 3,
      find: 'if (this.#failed !== null) throw this.#failed',
      replace: '',
      test: 'test/node/peer/stores.test.ts'
    },
    {
      name: 'a journal that is missing counts as empty',
      attack: 4,
      find: 'reason !== null && current !== null ? { during: current, reason } : null',
      replace: 'null as { during: AttemptId; reason: string } | null',
      test: 'test/node/peer/stores.test.ts'
    }
  ]),
  ...ofFile('node/peer/public-sum.ts', [
    {
      name: 'a sum is taken for the right one, whatever it leads to',
      attack: 17,
      find: 'if (fits) this.#keep(address)',
      replace: 'if (bytes.length > 0) return true\n    if (fits) this.#keep(address)',
      test: 'test/node/peer/public-sum.test.ts',
      grep: 'is noticed when it is another'
    }
  ])
]
