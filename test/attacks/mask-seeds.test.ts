import { expect } from 'chai'
import { layoutOf } from '../../aggregation/adapter-layout.ts'
import { expandInto } from '../../aggregation/mask.ts'
import { bytesOfLanes, zeroLanes } from '../../aggregation/ring.ts'
import { nodeCrypto, seededCrypto } from '../../node/platform/node-crypto.ts'
import type { Effect } from '../../node/round/round-types.ts'
import { toHex } from '../../protocols/hex.ts'
import { testDeadlines, testRun } from '../support/chains.ts'
import { linkKinds } from '../support/cluster-claims.ts'
import { RoundCluster } from '../support/round-cluster.ts'

const crypto = nodeCrypto()
const maskOf = (key: Uint8Array, lanes: number) => {
  const mask = zeroLanes(16, lanes)
  expandInto(mask, key, 1, crypto)
  return mask
}

type MaskEffect = Effect & { type: 'mask' }

/** All masks that are applied in three rounds with an abort in between, by `round.attempt member`. */
function masksOfARun(): Map<string, MaskEffect> {
  const masks = new Map<string, MaskEffect>()
  const dead = new Set<string>()
  const cluster: RoundCluster = new RoundCluster(testRun(4, { rounds: 3, deadlines: testDeadlines }), {
    seed: 5,
    instead: (id, effect) => {
      if (effect.type === 'mask') masks.set(`${effect.round}.${effect.attempt} ${id}`, effect)
      return [effect]
    },
    onEffect: (id, effect) => {
      if (effect.type !== 'mask' || effect.round !== 1 || dead.has(id) || dead.size === 2) return true
      dead.add(id)
      cluster.at(cluster.nowMs + 400, () => cluster.restart(id))
      return false
    }
  })
  expect(cluster.start().finish(300_000)).to.equal(true)
  expect(linkKinds(cluster)).to.deep.equal(['result', 'abort', 'result', 'result'])
  return masks
}

describe('the seeds of masks', () => {
  it('are used for one mask each: of one pair or one member, in one attempt of one round', () => {
    const masks = masksOfARun()
    expect(masks.size).to.equal(4 * 4)
    const owners = new Map<string, string[]>()
    for (const [where, { selfKey, pairMasks }] of masks) {
      for (const key of [selfKey, ...pairMasks.map(({ key }) => key)]) {
        expect(key).to.have.lengthOf(32)
        owners.set(toHex(key), [...(owners.get(toHex(key)) ?? []), where])
      }
    }
    // Four of members and six of pairs in each of four attempts.
    expect(owners.size).to.equal(4 * (4 + 6))
    for (const places of owners.values()) {
      const [attempt, ...others] = places.map(place => place.split(' ')[0]!)
      expect(places.length).to.be.at.most(2)
      for (const other of others) expect(other).to.equal(attempt)
    }
  })

  it('count with every bit: none of the 256 is cut off', () => {
    const key = seededCrypto(Uint8Array.of(3)).randomBytes(32)
    const masks = new Set([toHex(bytesOfLanes(maskOf(key, 8)))])
    for (let bit = 0; bit < 256; bit++) {
      const other = key.slice()
      other[bit >> 3]! ^= 1 << (bit & 7)
      masks.add(toHex(bytesOfLanes(maskOf(other, 8))))
    }
    expect(masks.size).to.equal(257)
  })

  it('do not begin anew within a vector: no block of a mask comes twice', () => {
    // Beyond two pieces, and with it beyond any one tensor.
    const bytes = Buffer.from(bytesOfLanes(maskOf(seededCrypto(Uint8Array.of(4)).randomBytes(32), 100_000)))
    const blocks = new Set<string>()
    for (let at = 0; at < bytes.length; at += 16) blocks.add(bytes.toString('base64', at, at + 16))
    expect(blocks.size).to.equal(bytes.length / 16)
  })

  it('do not begin anew for a second tensor: two that are alike look different under the mask', () => {
    // Two tensors of the same shape with the same (zero) delta: y is the mask itself.
    const layout = layoutOf(
      ['q', 'v'].flatMap(module =>
        (['A', 'B'] as const).map(factor => ({
          name: `base_model.model.model.layers.0.self_attn.${module}_proj.lora_${factor}.weight`,
          factor,
          shape: factor === 'A' ? [2, 40] : [40, 2]
        }))
      )
    )
    const cluster: RoundCluster = new RoundCluster(
      testRun(4, { rounds: 1, strategy: 'ffa', deadlines: testDeadlines }, layout),
      {
        seed: 6,
        instead: (id, effect) => {
          if (effect.type === 'mask')
            cluster.peer(id).inputs.get(`${effect.round}.${effect.attempt}`)!.fill(0, 0, 160)
          return [effect]
        }
      }
    )
    expect(cluster.start().finish(60_000)).to.equal(true)
    for (const body of cluster.bodies.values()) {
      const [first, second] = [body.subarray(0, 160), body.subarray(160, 320)]
      expect(toHex(first)).to.not.equal(toHex(second))
      const alike = first.filter((byte, i) => byte === second[i]).length
      expect(alike, 'by chance 160 / 256').to.be.below(12)
    }
  })
})
