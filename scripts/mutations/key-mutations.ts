/** Fresh keys of one's own for one attempt, and shares that only their recipient can open. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const badKeys = attackTest('bad-keys')
const badShare = attackTest('bad-share')
const redirected = attackTest('redirected-share')
const retry = attackTest('retry-differencing')

export const keyMutations: readonly Mutation[] = [
  ...ofFile('node/round/roster.ts', [
    {
      name: 'one key for masks and shares',
      attack: 21,
      find: 'if (equalBytes(maskKey, encryptionKey)) return null',
      replace: '',
      test: badKeys,
      grep: 'one key for both uses'
    },
    {
      name: 'points of low order',
      attack: 13,
      find: '|| publicKeys.some(key => isLowOrder(key, crypto))) return null',
      replace: ') return null',
      test: badKeys,
      grep: 'low order'
    },
    {
      name: 'keys in a second spelling',
      attack: 13,
      find: 'if (!publicKeys.every(isCanonicalPoint) ||',
      replace: 'if (',
      test: badKeys,
      grep: 'a second way'
    },
    {
      name: 'keys above p',
      attack: 13,
      find: 'return publicKey[0]! < 0xed || publicKey.subarray(1, KEY_BYTES - 1).some(byte => byte !== 0xff)',
      replace: 'return true',
      test: badKeys,
      grep: 'a second way'
    },
    {
      name: 'keys of any length',
      attack: 13,
      find: "for (const field of [maskKey, encryptionKey, selfSeedHash]) checkLength(field, KEY_BYTES, 'key')",
      replace: '',
      test: badKeys,
      grep: 'one too short'
    },
    {
      name: 'keys that somebody else has advertised',
      attack: 13,
      find: 'if (copied !== undefined) return',
      replace: 'if (copied?.payload.length === 0) return',
      test: badKeys,
      grep: 'whose key or commitment it copies'
    },
    {
      name: 'other keys of a member that has advertised',
      attack: 13,
      find: "if (!equalBytes(first.hash, message.hash)) refuse(draft, message, 'it has advertised other keys before')\n    return",
      replace: '',
      test: badKeys,
      grep: 'advertises twice'
    },
    {
      name: 'this peer’s own key misreported',
      attack: 13,
      find: "if (entry.peer === self && (own === undefined || !equalBytes(own.hash, message.hash))) return 'invalid'",
      replace: "if (entry.peer === '' && own === undefined) return 'invalid'",
      test: badKeys,
      grep: 'does not stand by'
    },
    {
      name: 'a roster of fewer than a quorum',
      attack: 13,
      find: 'if (roster.proposer >= attempt.cohort.length || roster.advertised.length < attempt.quorum) return',
      replace: 'if (roster.proposer >= attempt.cohort.length) return',
      test: badKeys,
      grep: 'a roster without'
    },
    {
      name: 'a roster with one member twice',
      attack: 13,
      find: '!attempt.cohort.includes(entry.peer) || entry.peer <= last)',
      replace: '!attempt.cohort.includes(entry.peer))',
      test: badKeys,
      grep: 'a roster without'
    },
    {
      name: 'a roster with one key under two names',
      attack: 13,
      find: "if (seen.has(key)) return 'invalid'",
      replace: '',
      test: badKeys,
      grep: 'one key under two names'
    },
    {
      name: 'the same mask key in every attempt',
      attack: 11,
      find: 'maskSecret: crypto.randomBytes(KEY_BYTES)',
      replace: 'maskSecret: crypto.sha256(draft.deps.signer.publicKey)',
      test: retry,
      grep: 'every key, seed and commitment'
    },
    {
      name: 'the same self-mask seed in every attempt',
      attack: 11,
      find: 'selfSeed: crypto.randomBytes(KEY_BYTES)',
      replace: 'selfSeed: crypto.sha256(draft.deps.signer.publicKey)',
      test: retry,
      grep: 'every key, seed and commitment'
    }
  ]),
  ...ofFile('node/round/shares.ts', [
    {
      name: 'a share that does not match its hash is kept',
      attack: 15,
      find: "if (plain.length !== 2 * SHARE_BYTES || !matches) throw new Error('it does not match its hash')",
      replace: "if (plain.length !== 2 * SHARE_BYTES) throw new Error('it does not match its hash')",
      test: badShare,
      grep: 'that matches no hash is found out'
    },
    {
      name: 'a share that matches half its hashes is kept',
      attack: 15,
      find: 'equalBytes(hashes.seedShareHash, seedShareHash) && equalBytes(hashes.keyShareHash, keyShareHash)',
      replace:
        'equalBytes(hashes.seedShareHash, seedShareHash) || equalBytes(hashes.keyShareHash, keyShareHash)',
      test: badShare,
      grep: 'that matches no hash is found out'
    },
    {
      name: 'a share of another length is kept',
      attack: 15,
      find: 'if (plain.length !== 2 * SHARE_BYTES || !matches)',
      replace: 'if (!matches)',
      test: badShare,
      grep: 'of another length is found out'
    },
    {
      name: 'shares for more or fewer than the roster are taken',
      attack: 15,
      find: 'if (shares.length !== attempt.roster!.length)',
      replace: 'if (shares.length === 0)',
      test: badShare,
      grep: 'a share too few'
    },
    {
      name: 'other shares of a member that has dealt',
      attack: 15,
      find: "refuse(draft, message, 'it has sent other shares before')\n    return",
      replace: "refuse(draft, message, 'it has sent other shares before')",
      test: badShare,
      grep: 'deals twice'
    },
    {
      name: 'U2 of fewer than a quorum',
      attack: 15,
      find: "if (proposer >= attempt.cohort.length || dealers.length < attempt.quorum) return 'invalid'",
      replace: "if (proposer >= attempt.cohort.length) return 'invalid'",
      test: 'test/node/round/lying-aggregator.test.ts',
      grep: 'cannot name U2'
    },
    {
      name: 'U2 with a dealer in it twice, or in any order',
      attack: 15,
      find: "if (index <= last || peer === undefined) return 'invalid'",
      replace: "if (peer === undefined) return 'invalid'",
      test: 'test/node/round/lying-aggregator.test.ts',
      grep: 'cannot name U2'
    },
    {
      name: 'U2 with other shares than were dealt',
      attack: 15,
      find: "else if (!equalBytes(held.message.hash, hash)) return 'invalid'",
      replace: '',
      test: 'test/node/round/lying-aggregator.test.ts',
      grep: 'cannot name U2'
    },
    {
      name: 'U2 with a dealer whose share for this peer is bad',
      attack: 15,
      find: "else if (checksOwn && !attempt.goodShares.has(peer)) return 'invalid'",
      replace: '',
      test: badShare,
      grep: 'vote for no U2'
    }
  ]),
  ...ofFile('node/platform/node-crypto.ts', [
    {
      name: 'a share’s authentication tag is not checked',
      attack: 14,
      find: "try {\n    decipher.final()\n  } catch {\n    throw new AggregationError('BAD_CIPHERTEXT', { got: sealed.length })\n  }",
      replace: '',
      test: redirected
    },
    {
      name: 'associated data are not authenticated',
      attack: 14,
      find: 'decipher.setAAD(associatedData)',
      replace: 'decipher.setAAD(new Uint8Array())',
      test: redirected
    }
  ]),
  ...ofFile('aggregation/shamir.ts', [
    {
      name: 'one share less than t recovers a secret',
      attack: 10,
      find: 'for (let k = 0; k < threshold - 1; k++) {\n    coefficients.push(',
      replace: 'for (let k = 0; k < threshold - 2; k++) {\n    coefficients.push(',
      test: 'test/aggregation/shamir.test.ts'
    },
    {
      name: 'the highest coefficient is always zero',
      attack: 10,
      find: 'for (let k = threshold - 1; k >= 0; k--) {',
      replace: 'for (let k = threshold - 2; k >= 0; k--) {',
      test: 'test/aggregation/shamir.test.ts'
    },
    {
      name: 'two shares at one point',
      attack: 15,
      find: "if (seen.has(x)) throw new AggregationError('BAD_SHARE', { reason: 'two shares at one x', x })",
      replace: '',
      test: 'test/aggregation/shamir.test.ts'
    },
    {
      name: 'missing random bytes read as zero',
      attack: 10,
      find: 'if (random.length !== wanted) {',
      replace: 'if (random.length > 1e9) {',
      test: 'test/aggregation/shamir.test.ts'
    }
  ])
]
