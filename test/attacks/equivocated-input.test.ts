import { expect } from 'chai'
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import { toHex } from '../../protocols/hex.ts'
import { MaskedInput } from '../../protocols/messages.js'
import { plainSum } from '../support/cluster-claims.ts'
import { bytes32, reworded, roundWith, saidIn, saying } from '../support/liars.ts'

describe('a member that equivocates about its masked input', () => {
  it('and announces two is left out of the sum, and the pair is kept for all to see', () => {
    const kept = new Set<string>()
    const { refusals, liarSurvived } = roundWith({
      // Slow to be pulled, so that everyone hears both before anyone lists what it holds.
      options: {
        latencyMs: 2,
        watched: (_deps, machine) => ({
          ...machine,
          step(state, event, nowMs) {
            const result = machine.step(state, event, nowMs)
            const { attempt } = result.state
            for (const id of attempt?.equivocators ?? []) {
              const said = [...attempt!.transcript.values()].filter(({ sender }) => sender === id)
              for (const { type, hash } of said) if (type === 'masked-input') kept.add(toHex(hash))
            }
            return result
          }
        })
      },
      lie(effect, liar) {
        const message = saidIn(effect, 'masked-input')
        if (message === null) return null
        const said = MaskedInput.decode(message.payload)
        const other = MaskedInput.encode({ ...said, address: bytes32(1) })
        return [effect, saying(effect, reworded(liar, message, { payload: other }))]
      }
    })
    expect(refusals).to.deep.equal(['masked-input: it has announced another masked input before'])
    expect(liarSurvived).to.equal(false)
    expect(kept.size, 'two headers in the transcripts of those who noticed').to.equal(2)
  })

  it('and announces different ones to different members enters the sum once at most', () => {
    for (const rank of [0, 1, 3]) {
      const { cluster, ids, survivors } = roundWith({
        rank,
        lie(effect, liar) {
          const message = saidIn(effect, 'masked-input')
          if (message === null) return null
          const said = MaskedInput.decode(message.payload)
          const other = reworded(liar, message, {
            payload: MaskedInput.encode({ ...said, address: bytes32(1) })
          })
          const [first, ...rest] = liar.attempt.ranked.filter(id => id !== liar.peer.id)
          return [
            { type: 'send', to: [first!], message: other },
            { type: 'send', to: rest, message }
          ]
        }
      })
      expect(survivors, `rank ${rank}`).to.include.members(ids)
      const sum = plainSum(cluster, 0, 0, survivors)
      for (const id of ids) expect(cluster.peer(id).sums.get('0.0'), `rank ${rank}`).to.deep.equal(sum)
    }
  })

  it('and serves both bodies: who holds the other one gets the committed one after all', () => {
    const { cluster, survivors, liar } = roundWith({
      lie(effect, liar) {
        const message = saidIn(effect, 'masked-input')
        if (message === null) return null
        const said = MaskedInput.decode(message.payload)
        const { cluster, peer } = liar
        const body = peer.held.get(toHex(said.address))!.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
        const address = addressOf(chunkHashes(body, cluster.crypto), cluster.crypto)
        peer.held.set(toHex(address), body)
        const other = reworded(liar, message, { payload: MaskedInput.encode({ ...said, address }) })
        victim = liar.attempt.ranked[3]!
        const rest = liar.attempt.ranked.filter(id => id !== peer.id && id !== victim)
        return [
          { type: 'send', to: [victim], message: other },
          { type: 'send', to: rest, message }
        ]
      }
    })
    expect(survivors).to.include(liar())
    expect(cluster.peer(victim).sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, survivors))
  })
  let victim = ''
})
