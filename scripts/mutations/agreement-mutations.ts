/** One value is decided, by a quorum that judged it, and no leader can bring another one up. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const lock = attackTest('ignored-lock')
const forged = attackTest('forged-certificate')
const certificate = 'test/protocols/certificate.test.ts'
const lyingAggregator = 'test/node/round/lying-aggregator.test.ts'

export const agreementMutations: readonly Mutation[] = [
  ...ofFile('node/round/voting-rules.ts', [
    {
      name: 'a new leader may ignore the locked certificate',
      attack: 6,
      find: 'return highest === null ? { repeat: null, abortable: true } : { repeat: highest }',
      replace: 'return { repeat: null, abortable: highest === null || highest.view >= 0 }',
      test: lock
    },
    {
      name: 'new-views of fewer than a quorum allow a proposal',
      attack: 6,
      find: 'if (reports.length < quorum) return null',
      replace: 'if (reports.length < 1) return null',
      test: lock,
      grep: 'only the new-views that report no lock'
    },
    {
      name: 'an abort in view 0',
      attack: 6,
      find: 'return reports.length === 0 ? { repeat: null, abortable: false } : null',
      replace: 'return reports.length === 0 ? { repeat: null, abortable: true } : null',
      test: lyingAggregator,
      grep: 'cannot abort in view 0'
    },
    {
      name: 'a member that gives up on a view does not report its lock',
      attack: 6,
      find: 'reported: lock => lock',
      replace: 'reported: lock => (lock === null ? lock : null)',
      test: lock,
      grep: 'must repeat the locked value'
    },
    {
      name: 'a prepare certificate decides',
      attack: 7,
      find: "decides: kind => kind === 'commit'",
      replace: "decides: kind => kind === 'commit' || kind === 'prepare'",
      test: forged,
      grep: 'with a prepare certificate is not'
    },
    {
      name: 'two votes in one view',
      attack: 7,
      find: 'return isOpen(bonds, view) && !votes.has(view)',
      replace: 'return isOpen(bonds, view) && votes.size >= 0',
      test: attackTest('complementary-shares'),
      grep: 'two proposals in one view'
    },
    {
      name: 'votes in a view that this member has left',
      attack: 6,
      find: 'return decided === null && view >= current',
      replace: 'return decided === null && view >= 0 * current',
      test: 'test/node/round/agreement.test.ts'
    },
    {
      name: 'one new-view pulls everyone into its view',
      attack: 6,
      find: 'view > current && newViews > faults',
      replace: 'view > current && newViews > 0 * faults',
      test: 'test/node/round/lies-about-inputs.test.ts',
      grep: 'into a later view alone'
    }
  ]),
  ...ofFile('node/round/agreement.ts', [
    {
      name: 'anyone may propose in any view',
      attack: 6,
      find: 'if (leaderOf(setting, proposal.view) !== sender) return null',
      replace: '',
      test: 'test/node/round/lies-about-inputs.test.ts',
      grep: 'cannot propose in a view'
    },
    {
      name: 'one new-view counts as often as it is shown',
      attack: 6,
      find: 'if (senders.size !== newViews.length) return null',
      replace: '',
      test: lock,
      grep: 'as often as it takes'
    },
    {
      name: 'new-views of other views count',
      attack: 6,
      find: 'newView.view !== proposal.view ||',
      replace: '',
      test: lock,
      grep: 'counts no new-view of another view'
    },
    {
      name: 'a lock is reported without a certificate that holds',
      attack: 6,
      find: "setting.rules.holds(certificate, 'prepare', setting.voters, setting.context, setting.crypto)",
      replace: "certificate.kind === 'prepare'",
      test: lock,
      grep: 'no lock of its own making'
    },
    {
      name: 'the first of several votes makes a certificate',
      attack: 7,
      find: 'if (votes.size < setting.quorum || state.certified.has(key) || state.decided !== null) return []',
      replace: 'if (votes.size < 1 || state.certified.has(key) || state.decided !== null) return []',
      test: attackTest('replay'),
      grep: 'count once'
    },
    {
      name: 'a certificate is believed unread',
      attack: 7,
      find: 'if (!rules.holds(certificate, kind, setting.voters, setting.context, setting.crypto)) return null',
      replace: '',
      test: forged
    },
    {
      name: 'a certificate brings another value than it certifies',
      attack: 7,
      find: 'if (!equalBytes(setting.crypto.sha256(decision), certificate.valueHash)) return null',
      replace: '',
      test: forged,
      grep: 'with another value than it certifies'
    }
  ]),
  ...ofFile('node/round/voting.ts', [
    {
      name: 'a new value may hand the lead to anybody',
      attack: 5,
      find: 'return named === undefined || attempt.ranked[named.proposer] === sender',
      replace: "return named === undefined || sender !== ''",
      test: lyingAggregator,
      grep: 'cannot hand the lead'
    },
    {
      name: 'an abort that no new view allows is voted for',
      attack: 6,
      find: "return grounds.abortable ? judgeAbort(draft, attempt, subject, bytes, decision) : 'invalid'",
      replace: 'return judgeAbort(draft, attempt, subject, bytes, decision)',
      test: lyingAggregator,
      grep: 'cannot abort in view 0'
    },
    {
      name: 'words of another context count in an agreement',
      attack: 12,
      find: 'return equalBytes(Context.encode(setting.context), Context.encode(message.context)) ? setting : null',
      replace: 'return setting',
      test: attackTest('replay'),
      grep: 'before the roster'
    }
  ]),
  ...ofFile('protocols/certificate.ts', [
    {
      name: 'a certificate short of a quorum holds',
      attack: 7,
      find: 'if (signatures.length < quorumOf(cohort.length) || signatures.length > cohort.length) return false',
      replace: 'if (signatures.length > cohort.length) return false',
      test: certificate
    },
    {
      name: 'a certificate one vote short of a quorum holds',
      attack: 7,
      find: 'signatures.length < quorumOf(cohort.length) ||',
      replace: 'signatures.length < quorumOf(cohort.length) - 1 ||',
      test: forged,
      grep: 'one vote less than a quorum'
    },
    {
      name: 'a signer counts twice',
      attack: 7,
      find: 'if (index <= lastIndex || index >= cohort.length) return false',
      replace: 'if (index >= cohort.length) return false',
      test: forged,
      grep: 'with one signer twice'
    },
    {
      name: 'signatures in a certificate are not checked',
      attack: 7,
      find: 'if (!verifySignature(cohort[index]!, kind, context, payload, signature, crypto)) return false',
      replace: '',
      test: forged,
      grep: 'a signature that nobody made'
    },
    {
      name: 'prepare votes are taken for commit votes',
      attack: 7,
      find: 'if (!verifySignature(cohort[index]!, kind, context, payload, signature, crypto)) return false',
      replace:
        "if (!['prepare' as const, kind].some(said => verifySignature(cohort[index]!, said, context, payload, signature, crypto))) return false",
      test: certificate
    },
    {
      name: 'a vote does not say on what it is',
      attack: 7,
      find: 'return Vote.encode({ subject, view, valueHash })',
      replace: "return Vote.encode({ subject: subject === '' ? '' : 'x', view, valueHash })",
      test: certificate
    },
    {
      name: 'a vote does not say in which view it is',
      attack: 7,
      find: 'return Vote.encode({ subject, view, valueHash })',
      replace: 'return Vote.encode({ subject, view: 0 * view, valueHash })',
      test: certificate
    }
  ]),
  ...ofFile('protocols/quorum.ts', [
    {
      name: 'half the cohort is a quorum',
      attack: 7,
      find: 'return Math.floor((2 * cohortSize) / 3) + 1',
      replace: 'return Math.floor(cohortSize / 2)',
      test: 'test/protocols/quorum.test.ts'
    },
    {
      name: 'one more than f may fail',
      attack: 8,
      find: 'return cohortSize - quorumOf(cohortSize)',
      replace: 'return cohortSize - quorumOf(cohortSize) + 1',
      test: 'test/protocols/quorum.test.ts'
    }
  ]),
  ...ofFile('protocols/chain.ts', [
    {
      name: 'a link without a certificate that holds',
      attack: 7,
      find: "if (!certificateHolds(certificate, 'commit', link.cohort, contextOfLink(link, run), crypto)) {",
      replace: "if (certificate.kind !== 'commit') {",
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'a link whose certificate is for something else',
      attack: 7,
      find: 'if (!equalBytes(certificate.valueHash, linkHash))',
      replace: 'if (certificate.valueHash.length !== linkHash.length)',
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'a result decided as something else',
      attack: 7,
      find: "if ((certificate.subject === 'result') !== ofResult)",
      replace: "if (certificate.subject === '')",
      test: 'test/protocols/chain.test.ts'
    }
  ]),
  ...ofFile('protocols/link-body.ts', [
    {
      name: 'a link that does not follow on the one before',
      attack: 12,
      find: 'if (link.height !== tip.height + 1 || !equalBytes(link.previous, tip.linkHash))',
      replace: 'if (link.height !== tip.height + 1)',
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'a link of another round or attempt',
      attack: 12,
      find: 'if (link.round !== tip.round || link.attempt !== tip.attempt)',
      replace: 'if (link.round < 0)',
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'a link of another run',
      attack: 12,
      find: 'if (!equalBytes(link.run, run.id))',
      replace: 'if (link.run.length !== run.id.length)',
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'a cohort that the chain did not fix',
      attack: 7,
      find: 'if (link.cohort.join() !== cohort.join())',
      replace: 'if (link.cohort.length === 0)',
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'an abort or a loss that changes the state',
      attack: 17,
      find: 'else if (!equalBytes(link.stateHash, tip.stateHash))',
      replace: 'else if (link.stateHash.length !== 32)',
      test: 'test/protocols/chain.test.ts'
    },
    {
      name: 'another encoding than the chain fixed',
      attack: 20,
      find: 'if (!equalBytes(link.encodingHash, run.encodingHashOf(',
      replace: 'if (link.encodingHash.length !== 32 && !equalBytes(link.encodingHash, run.encodingHashOf(',
      test: 'test/protocols/chain.test.ts'
    }
  ])
]
