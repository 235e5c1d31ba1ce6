/** Every mask is one of its own, cancels exactly, and leaves room for the sum. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const mask = 'test/aggregation/mask.test.ts'
const colluders = attackTest('curious-colluders')
const late = attackTest('late-input')
const seeds = attackTest('mask-seeds')
const seek = attackTest('prg-seek')
const overflow = attackTest('ring-overflow')
const poisoning = attackTest('poisoning')
const encoding = 'test/aggregation/encoding.test.ts'

const pairInfo =
  "const info = lengthPrefixed('pair-mask', run, round, attempt, minId, maxId, laneCount, ringBits)"
const selfInfo = "const info = lengthPrefixed('self-mask', run, round, attempt, id, laneCount, ringBits)"

/** A pair's seed that is not bound to one of its fields. */
function pairWithout(field: string, attack: number): Omit<Mutation, 'file'> {
  return {
    name: `the seed of a pair is not bound to ${field}`,
    attack,
    find: pairInfo,
    replace: pairInfo.replace(` ${field},`, '').replace(`, ${field})`, ')'),
    test: mask,
    grep: 'pairwise seeds'
  }
}

export const maskMutations: readonly Mutation[] = [
  ...ofFile('aggregation/mask.ts', [
    pairWithout('run', 12),
    pairWithout('round', 12),
    pairWithout('attempt', 11),
    pairWithout('minId', 0),
    pairWithout('maxId', 0),
    pairWithout('laneCount', 0),
    pairWithout('ringBits', 0),
    {
      name: 'the seed of a pair is that of another use',
      attack: 0,
      find: pairInfo,
      replace: pairInfo.replace("'pair-mask'", "'share'"),
      test: mask,
      grep: 'pairwise seeds'
    },
    {
      name: 'the seed of a self mask is not bound to its member',
      attack: 0,
      find: selfInfo,
      replace: selfInfo.replace(' id,', ''),
      test: mask,
      grep: 'self-mask'
    },
    {
      name: 'the seed of a self mask is not bound to its attempt',
      attack: 11,
      find: selfInfo,
      replace: selfInfo.replace(' attempt,', ''),
      test: mask,
      grep: 'self-mask'
    },
    {
      name: 'a key of shares serves both ways',
      attack: 14,
      find: "const info = lengthPrefixed('share', direction.fromId, direction.toId)",
      replace: "const info = lengthPrefixed('share', ...[direction.fromId, direction.toId].sort())",
      test: attackTest('redirected-share'),
      grep: 'the way back'
    },
    {
      name: 'a derived key is not salted with the roster',
      attack: 12,
      find: 'const key = crypto.hkdfSha256(shared, salt, info, SEED_BYTES)',
      replace: 'const key = crypto.hkdfSha256(shared, new Uint8Array(salt.length), info, SEED_BYTES)',
      test: mask
    },
    {
      name: 'a derived key is what two keys have in common, as it is',
      attack: 0,
      find: 'const key = crypto.hkdfSha256(shared, salt, info, SEED_BYTES)',
      replace: 'const key = salt.length + info.length > 0 ? shared.slice() : shared',
      test: mask,
      grep: 'are HKDF-SHA256 of X25519'
    },
    {
      name: 'a seed of 32 bits',
      attack: 0,
      find: 'const key = crypto.hkdfSha256(shared, salt, info, SEED_BYTES)',
      replace: 'const key = crypto.hkdfSha256(shared, salt, info, SEED_BYTES).fill(0, 4)',
      test: mask
    },
    {
      name: 'both members of a pair add',
      attack: 10,
      find: 'return ownId < otherId ? 1 : -1',
      replace: 'return ownId < otherId ? 1 : 1',
      test: mask
    },
    {
      name: 'the other member of a pair adds than should',
      attack: 10,
      find: 'return ownId < otherId ? 1 : -1',
      replace: 'return ownId > otherId ? 1 : -1',
      test: mask
    }
  ]),
  ...ofFile('aggregation/mask-stream.ts', [
    {
      name: 'every piece of a mask begins anew',
      attack: 0,
      find: 'step = steps.next(stream.next(step.value.length))',
      replace:
        'step = steps.next(crypto.keyStream(masks[step.value.mask]!.key).next(step.value.length))\n      void stream',
      test: seeds
    },
    {
      name: 'a seek into a mask begins at its beginning',
      attack: 23,
      find: 'for (const { key } of masks) streams.push(crypto.keyStream(key, firstByte))',
      replace: 'for (const { key } of masks) streams.push(crypto.keyStream(key, 0 * firstByte))',
      test: seek
    },
    {
      name: 'only the first 32 bits of a seed count',
      attack: 0,
      find: 'for (const { key } of masks) streams.push(crypto.keyStream(key, firstByte))',
      replace:
        'for (const { key } of masks) streams.push(crypto.keyStream(key.slice().fill(0, 4), firstByte))',
      test: seeds,
      grep: 'count with every bit'
    }
  ]),
  ...ofFile('node/platform/node-crypto.ts', [
    {
      name: 'the counter of a key stream wraps at 32 bits',
      attack: 23,
      find: 'counter.writeBigUInt64BE(BigInt(offsetBytes / AES_BLOCK_BYTES), 8)',
      replace: 'counter.writeUInt32BE((offsetBytes / AES_BLOCK_BYTES) % 2 ** 32, 12)',
      test: 'test/node/platform/node-crypto.test.ts',
      grep: '2^32'
    }
  ]),
  ...ofFile('aggregation/secure-sum.ts', [
    {
      name: 'no self mask: a late input is laid bare by the mask key that was opened',
      attack: 9,
      find: 'const masks = [{ key: selfKey, sign: 1 } as const, ...pairMasks]',
      replace: 'const masks = [...pairMasks, ...pairMasks.slice(0, 0 * selfKey.length)]',
      test: late
    },
    {
      name: 'no pair masks: the seeds that are opened lay every input bare',
      attack: 10,
      find: 'const masks = [{ key: selfKey, sign: 1 } as const, ...pairMasks]',
      replace: 'const masks = [{ key: selfKey, sign: 1 } as const, ...pairMasks.slice(0, 0)]',
      test: colluders
    }
  ]),
  ...ofFile('node/round/inputs.ts', [
    {
      name: 'a member leaves its mask with the last other member out',
      attack: 10,
      find: 'const others = dealerEntries(attempt).filter(({ peer }) => peer !== self)',
      replace: 'const others = dealerEntries(attempt).filter(({ peer }) => peer !== self).slice(0, -1)',
      test: colluders
    },
    {
      name: 'every member uses the seed of its self mask as it is',
      attack: 0,
      find: 'selfKey: selfMaskKey(crypto, secrets.selfSeed, self, context)',
      replace: 'selfKey: selfMaskKey(crypto, context.rosterHash, self, context)',
      test: late
    }
  ]),
  ...ofFile('aggregation/encoding.ts', [
    {
      name: 'coordinates may use one bit too many',
      attack: 20,
      find: 'return ringBits - sumBits',
      replace: 'return ringBits - sumBits + 1',
      test: overflow
    },
    {
      name: 'a level more than fits',
      attack: 20,
      find: 'return powerOfTwo(inputBitsOf(encoding) - 1) - 1',
      replace: 'return powerOfTwo(inputBitsOf(encoding) - 1)',
      test: overflow
    },
    {
      name: 'a ring too narrow for its participants is taken',
      attack: 20,
      find: "if (inputBitsOf(encoding) < 2) throw new AggregationError('RING_OVERFLOW', { participants, ringBits })",
      replace: '',
      test: encoding
    },
    {
      name: 'a sum of more inputs than there is room for',
      attack: 20,
      find: 'if (survivors > participants) {',
      replace: 'if (survivors > 1e9) {',
      test: encoding
    },
    {
      name: 'a sum that no inputs can have is believed',
      attack: 20,
      find: 'const levels = levelsWithin(sum, dimension, survivors * levelMax)',
      replace: 'const levels = levelsWithin(sum, dimension, Infinity)',
      test: overflow,
      grep: 'puts in more than its levels'
    },
    {
      name: 'a weight that no survivors can have is believed',
      attack: 22,
      find: 'if (weightSum < survivors || weightSum > survivors * maxWeight) {',
      replace: 'if (weightSum < 0) {',
      test: encoding
    },
    {
      name: 'coordinates are not clamped',
      attack: 22,
      find: 'values[i] = Math.min(Math.max(values[i]!, -coordinateBound), coordinateBound)',
      replace: 'values[i] = Math.min(Math.max(values[i]!, -2 * coordinateBound), 2 * coordinateBound)',
      test: 'test/aggregation/encoding.test.ts'
    },
    {
      name: 'a weight above the cap',
      attack: 22,
      find: 'if (input.weight > maxWeight || !isPowerOfTwo(input.weight)) {',
      replace: 'if (!isPowerOfTwo(input.weight)) {',
      test: poisoning,
      grep: 'with a larger delta'
    }
  ]),
  ...ofFile('aggregation/quantize.ts', [
    {
      name: 'rounding may pass the highest level',
      attack: 22,
      find: 'const scaled = (Math.min(Math.max(x, -bound), bound) / bound) * levelMax',
      replace: 'const scaled = (x / bound) * levelMax',
      test: 'test/aggregation/quantize.test.ts'
    }
  ])
]
