import { expect } from 'chai'
import { expandInto } from '../../aggregation/mask.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import type { Effect } from '../../node/round/round-types.ts'
import { record, victim } from '../support/recorded-round.ts'

const crypto = nodeCrypto()

describe('the key stream of a mask', () => {
  it('lets a verifier recompute any piece of a real masked input, and no more than that', () => {
    let masks: (Effect & { type: 'mask' }) | null = null
    const { transcript, inputOf } = record({
      instead: (id, effect) => {
        if (effect.type === 'mask' && id === victim) masks = effect
        return [effect]
      }
    })
    const { selfKey, pairMasks } = masks!
    const masked = transcript.maskedInputOf(victim)
    for (const [first, length] of [
      [0, 1],
      [7, 64],
      [1_000, 333],
      [masked.length - 5, 5]
    ] as const) {
      const piece = masked.slice(first, first + length)
      for (const { key, sign } of [{ key: selfKey, sign: 1 }, ...pairMasks])
        expandInto(piece, key, sign === 1 ? -1 : 1, crypto, first)
      expect(piece).to.deep.equal(inputOf(victim).slice(first, first + length))
    }
  })
})
