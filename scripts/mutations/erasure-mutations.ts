/** What must not outlive the attempt is overwritten. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const erased = attackTest('secrets-erased')

export const erasureMutations: readonly Mutation[] = [
  ...ofFile('node/round/decisions.ts', [
    {
      name: 'secrets outlive a link',
      attack: 24,
      find: 'if (attempt !== null) eraseSecrets(attempt)',
      replace: '',
      test: erased
    },
    {
      name: 'secrets outlive the adoption of a longer chain',
      attack: 24,
      find: 'eraseSecrets(attempt)\n    draft.effects.push(',
      replace: 'draft.effects.push(',
      test: erased,
      grep: 'adopts the chain'
    },
    {
      name: 'b is not erased',
      attack: 24,
      find: 'secrets?.encryptionSecret, secrets?.selfSeed, ...(seeds ?? [])]',
      replace: 'secrets?.encryptionSecret, ...(seeds ?? [])]',
      test: erased
    },
    {
      name: 'the mask secret is not erased',
      attack: 24,
      find: '[secrets?.maskSecret, secrets?.encryptionSecret,',
      replace: '[secrets?.encryptionSecret,',
      test: erased
    },
    {
      name: 'the encryption secret is not erased',
      attack: 24,
      find: '[secrets?.maskSecret, secrets?.encryptionSecret,',
      replace: '[secrets?.maskSecret,',
      test: erased
    },
    {
      name: 'recovered seeds are not erased',
      attack: 24,
      find: 'secrets?.selfSeed, ...(seeds ?? [])]',
      replace: 'secrets?.selfSeed, ...(seeds ?? []).slice(0, 0)]',
      test: erased
    },
    {
      name: 'unreleased shares of mask keys are not erased',
      attack: 24,
      find: 'keyShare.fill(0)\n  }',
      replace: 'void keyShare\n  }',
      test: erased
    },
    {
      name: 'shares of seeds are not erased',
      attack: 24,
      find: 'seedShare.fill(0)\n',
      replace: 'void seedShare\n',
      test: erased
    }
  ]),
  ...ofFile('node/round/shares.ts', [
    {
      name: 'dealt shares stay in memory, t of which are the secret',
      attack: 24,
      find: 'for (const bytes of [plain, pair.seedShare, pair.keyShare, key]) bytes.fill(0)',
      replace: '',
      test: erased,
      grep: 'has erased every key'
    },
    {
      name: 'an opened pair of shares stays in memory',
      attack: 24,
      find: 'plain.fill(0)\n',
      replace: '',
      test: erased,
      grep: 'has erased every key'
    },
    {
      name: 'the key of shares stays in memory',
      attack: 24,
      find: 'key.fill(0)\n    const pair',
      replace: 'const pair',
      test: erased,
      grep: 'has erased every key'
    }
  ]),
  ...ofFile('aggregation/mask.ts', [
    {
      name: 'what two keys have in common stays in memory',
      attack: 24,
      find: 'shared.fill(0)',
      replace: '',
      test: erased,
      grep: 'has erased every key'
    }
  ]),
  ...ofFile('aggregation/shamir.ts', [
    {
      name: 'the polynomials of shares stay in memory',
      attack: 24,
      find: 'for (const words of [...coefficients, random]) words.fill(0)',
      replace: '',
      test: erased,
      grep: 'overwrite the polynomials'
    }
  ]),
  ...ofFile('node/peer/round-work.ts', [
    {
      name: 'the keys of masks stay in memory',
      attack: 24,
      find: 'for (const key of [...selfKeys, ...pairMasks.map(({ key }) => key)]) key.fill(0)',
      replace: 'void [selfKeys, pairMasks]',
      test: erased,
      grep: 'has erased every key'
    },
    {
      name: 'the plain input stays in memory',
      attack: 24,
      find: 'input.fill(0)',
      replace: '',
      test: erased,
      grep: 'overwrites its plain input'
    }
  ]),
  ...ofFile('node/peer/local-training.ts', [
    {
      name: 'the plain delta stays in memory',
      attack: 24,
      find: 'delta.fill(0)\n',
      replace: '',
      test: erased,
      grep: 'overwrites its plain input'
    },
    {
      name: 'the trained adapter stays in memory',
      attack: 24,
      find: 'trained.adapter.fill(0)',
      replace: '',
      test: 'test/node/peer/local-training.test.ts'
    }
  ]),
  ...ofFile('node/peer/peer-parts.ts', [
    {
      name: 'the seed of the rounding stays in memory',
      attack: 24,
      find: 'seed.fill(0)',
      replace: '',
      test: erased,
      grep: 'has erased every key'
    }
  ])
]
