/** What is said in one run, round, attempt and roster means nothing in another. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const replay = attackTest('replay')
const envelope = 'test/protocols/envelope.test.ts'
const otherBase = attackTest('other-base-model')

export const wordMutations: readonly Mutation[] = [
  ...ofFile('node/round/round-machine.ts', [
    {
      name: 'words of an attempt that is over are taken up',
      attack: 12,
      find: "if (context.round !== attempt.round || context.attempt !== attempt.attempt) return 'over'",
      replace: "if (context.round !== attempt.round || context.attempt !== attempt.attempt) return 'now'",
      test: replay
    },
    {
      name: 'words of another attempt of the round are taken up',
      attack: 12,
      find: "if (context.round !== attempt.round || context.attempt !== attempt.attempt) return 'over'",
      replace:
        "if (context.round !== attempt.round) return 'over'\n  if (context.attempt !== attempt.attempt) return 'now'",
      test: replay,
      grep: 'in another attempt'
    },
    {
      name: 'words of another run are taken up',
      attack: 12,
      find: 'if (!equalBytes(message.context.run, deps.run.id)) return',
      replace: '',
      test: replay,
      grep: 'after a chain that is not its own'
    },
    {
      name: 'words of another link, roster, base or encoding are taken up',
      attack: 12,
      find: "return equalBytes(bytes, Context.encode(attempt.rosterContext)) ? 'now' : 'elsewhere'",
      replace: "return 'now'",
      test: replay,
      grep: 'but of this roster'
    },
    {
      name: 'shares and inputs need not be bound to the roster',
      attack: 12,
      find: "if (!bound) return refuse(draft, message, 'it is not bound to the roster')",
      replace: '',
      test: replay,
      grep: 'before the roster'
    }
  ]),
  ...ofFile('protocols/envelope.ts', [
    {
      name: 'a signature does not cover the context',
      attack: 12,
      find: "return lengthPrefixed('fedpeft/1 message', type, Context.encode(context), payload)",
      replace:
        "return lengthPrefixed('fedpeft/1 message', type, Context.encode(context).subarray(0, 0), payload)",
      test: envelope
    },
    {
      name: 'a signature does not cover the type',
      attack: 12,
      find: "return lengthPrefixed('fedpeft/1 message', type, Context.encode(context), payload)",
      replace:
        "return lengthPrefixed('fedpeft/1 message', type === '' ? type : '', Context.encode(context), payload)",
      test: envelope
    },
    {
      name: 'signatures of messages are not checked',
      attack: 7,
      find: 'if (!crypto.ed25519Verify(sender, signedBytes(type, context, payload), signature)) {',
      replace: 'if (signature.length !== 64) {',
      test: envelope
    },
    {
      name: 'hashes in a context may have any length',
      attack: 12,
      find: 'checkLength(context[field], HASH_BYTES, field)',
      replace: '',
      test: envelope
    },
    {
      name: 'another major version is spoken',
      attack: 12,
      find: "if (major !== PROTOCOL_VERSION.split('.')[0]) {",
      replace: "if (major === '') {",
      test: envelope
    }
  ]),
  ...ofFile('protocols/codec.ts', [
    {
      name: 'bytes that are not canonical are taken',
      attack: 12,
      find: 'if (!equalBytes(codec.encode(message as Partial<T>), bytes)) {',
      replace: 'if (bytes.length > 1e9) {',
      test: envelope
    },
    {
      name: 'two byte strings are equal if they begin alike',
      attack: 12,
      find: 'if (a[i] !== b[i]) return false',
      replace: 'if (i < 4 && a[i] !== b[i]) return false',
      test: replay,
      grep: 'but of this roster'
    }
  ]),
  ...ofFile('protocols/gossip-validation.ts', [
    {
      name: 'another base model is not rejected at the door',
      attack: 18,
      find: 'if (!equalBytes(context.baseModel, run.baseModel)) {',
      replace: 'if (context.baseModel.length !== 32) {',
      test: otherBase,
      grep: 'turned away at the door'
    },
    {
      name: 'messages of any size are opened',
      attack: 12,
      find: 'if (bytes.length > GOSSIP_MESSAGE_BYTES) {',
      replace: 'if (bytes.length < 0) {',
      test: 'test/protocols/gossip-validation.test.ts'
    },
    {
      name: 'strangers may say anything',
      attack: 12,
      find: 'if (members !== null && !members.includes(sender) && !FROM_ANYONE.has(type)) {',
      replace: 'if (members !== null && members.length === 0) {',
      test: 'test/protocols/gossip-validation.test.ts'
    }
  ]),
  ...ofFile('node/peer/round-encoding.ts', [
    {
      name: 'a peer starts with another base model',
      attack: 18,
      find: 'if (baseModel === null || baseModelSha256 !== manifest.model.sha256) {',
      replace: 'if (baseModel === null) {',
      test: otherBase,
      grep: 'does not start'
    }
  ]),
  ...ofFile('protocols/chain.ts', [
    {
      name: 'the base model is not part of what is signed',
      attack: 18,
      find: '...contextOfTip(tip, run),\n    encodingHash: run.encodingHashOf(',
      replace: '...contextOfTip(tip, run),\n    baseModel: ZERO_HASH,\n    encodingHash: run.encodingHashOf(',
      test: otherBase
    }
  ]),
  ...ofFile('node/round/round-state.ts', [
    {
      name: 'a share is not bound to its dealer and recipient',
      attack: 14,
      find: 'return lengthPrefixed(context, from, to, to + 1)',
      replace: 'return lengthPrefixed(context, 0 * from, 0 * to)',
      test: attackTest('redirected-share')
    },
    {
      name: 'a share is not bound to its context',
      attack: 14,
      find: 'return lengthPrefixed(context, from, to, to + 1)',
      replace: 'return lengthPrefixed(context.subarray(0, 0), from, to, to + 1)',
      test: attackTest('redirected-share')
    }
  ]),
  ...ofFile('node/peer/local-training.ts', [
    {
      name: 'a retry trains on the same data',
      attack: 11,
      find: "lengthPrefixed('batch-seed', run, round, attempt, self)",
      replace: "lengthPrefixed('batch-seed', run, round, 0 * attempt, self)",
      test: attackTest('retry-differencing'),
      grep: 'trains anew'
    }
  ])
]
