import { expect } from 'chai'
import { judgeMessage } from '../../protocols/gossip-validation.ts'
import { toHex } from '../../protocols/hex.ts'
import { contradictions } from '../support/cluster-claims.ts'
import { bytes32, reworded, roundWith } from '../support/liars.ts'
import { PeerCluster } from '../support/peer-cluster.ts'

describe('a peer with another base model', () => {
  it('does not start, and says which model it has and which one it needs', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const error = await cluster
      .start(1, { baseModelSha256: 'cd'.repeat(32) })
      .then(() => null)
      .catch((error: Error) => error)
    expect(error).to.include({ code: 'OTHER_BASE_MODEL' })
    expect(error!.message).to.contain('cd'.repeat(32)).and.contain(cluster.run.manifest.model.sha256)
    await cluster.clock.advance(60_000)
    expect(cluster.clock.pending).to.equal(0)
  })

  it('that speaks all the same is in no sum: its words are bound to its own model', () => {
    const { liarSurvived, survivors, ids, cluster, liar } = roundWith({
      lie(effect, liar) {
        if (effect.type !== 'gossip' && effect.type !== 'send') return null
        const context = { ...effect.message.context, baseModel: bytes32(0xcd) }
        return [{ ...effect, message: reworded(liar, effect.message, { context }) }]
      }
    })
    expect(liarSurvived).to.equal(false)
    expect(survivors).to.have.members(ids)
    expect(contradictions(cluster, ids)).to.deep.equal([])
    // Nothing of what it said is in what the others passed on to each other.
    const spoken = cluster.wire.filter(({ sender }) => sender === liar())
    expect(spoken.length).to.be.above(2)
    for (const { context } of spoken.slice(2)) expect(context.baseModel).to.deep.equal(bytes32(0xcd))
  })

  it('is turned away at the door: what it says is rejected, with both digests', () => {
    const { run, crypto, members } = new PeerCluster({ founders: 4 }).run
    const { cluster } = roundWith({ lie: () => null })
    const said = cluster.wire.filter(({ type }) => type !== 'tip')
    expect(said.length).to.be.above(20)
    for (const message of said.slice(0, 20)) {
      const member = members.find(({ id }) => id === message.sender)!
      const peer = { cluster, peer: { member } } as unknown as Parameters<typeof reworded>[0]
      const context = { ...message.context, run: run.id, baseModel: bytes32(0xcd) }
      const { bytes } = reworded(peer, message, { context })
      const ids = members.map(({ id }) => id)
      expect(judgeMessage(bytes, run, ids, crypto), message.type).to.deep.equal({
        verdict: 'reject-publisher',
        reason: 'OTHER_BASE_MODEL',
        data: { sender: message.sender, theirs: 'cd'.repeat(32), ours: toHex(run.baseModel) }
      })
    }
  })
})
