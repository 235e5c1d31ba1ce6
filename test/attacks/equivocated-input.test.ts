import { expect } from 'chai'
import { MaskedInput } from '../../protocols/messages.js'
import { plainSum } from '../support/cluster-claims.ts'
import { bytes32, reworded, roundWith, saidIn, saying } from '../support/liars.ts'

describe('a member that equivocates about its masked input', () => {
  it('and announces two is left out of the sum, and the pair is kept for all to see', () => {
    const { cluster, refusals, liarSurvived, liar } = roundWith({
      // Slow to be pulled, so that everyone hears both before anyone lists what it holds.
      options: { latencyMs: 2 },
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
    const pair = cluster.wire.filter(({ type, sender }) => type === 'masked-input' && sender === liar())
    expect(pair).to.have.lengthOf(2)
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
})
