import { expect } from 'chai'
import { openMessage, sealMessage } from '../../../protocols/envelope.ts'
import { Envelope, MaskedInput } from '../../../protocols/messages.js'
import { topicOfRun } from '../../../protocols/run-protocols.ts'
import { linksOf, PeerCluster, type PeerLife } from '../../support/peer-cluster.ts'

/** Whole peers, the last of whom announces two masked inputs in the first round. */
async function withLiar(founders: number) {
  const cluster = new PeerCluster({ founders })
  const lives = await cluster.startAll()
  const liar = lives.at(-1)!
  const { crypto, run } = cluster.run
  const topic = topicOfRun(run.id)
  let lied = false
  lives[0]!.network.subscribe(topic, async (from, data) => {
    const { type } = Envelope.decode(data)
    if (lied || type !== 'masked-input' || from !== liar.member.id) return 'ignore'
    lied = true
    const said = openMessage(data, crypto)
    const other = { ...MaskedInput.decode(said.payload), address: new Uint8Array(32).fill(1) }
    const payload = MaskedInput.encode(other)
    const message = sealMessage('masked-input', said.context, payload, liar.member.signer, crypto)
    await liar.network.publish(topic, message.bytes)
    return 'ignore'
  })
  return { cluster, liar, honest: lives.slice(0, -1) }
}

const blamedBy = ({ events }: PeerLife) => events.filter(event => event.type === 'blamed')

describe('a peer whose cohort has a cheat in it', () => {
  it('writes the evidence down, tells of it once, and goes on without it', async () => {
    const { cluster, liar, honest } = await withLiar(5)
    expect(
      await cluster.runUntil(() => honest.every(({ peer }) => peer.status().condition === 'finished'))
    ).to.equal(true)
    for (const life of honest) {
      const [blamed, ...more] = blamedBy(life)
      expect(more).to.deep.equal([])
      expect(blamed).to.include({ peer: liar.member.id, kind: 'equivocation', round: 0, attempt: 0 })
      if (blamed === undefined) continue
      expect(blamed.file).to.match(/^runs\/[0-9a-f]{64}\/evidence\/.*\.evidence$/)
      expect(await life.disk.read(blamed.file)).to.not.equal(null)
      expect(linksOf(life).at(-1)!.members).to.have.lengthOf(4).and.not.include(liar.member.id)
    }
    expect(cluster.splits()).to.deep.equal([])
    await cluster.stop()
  })

  it('pauses with the others when too few are left, and goes on as its author says', async () => {
    const { cluster, liar, honest } = await withLiar(4)
    const paused = (): boolean => honest.every(({ peer }) => peer.status().phase === 'Aborted')
    expect(await cluster.runUntil(paused)).to.equal(true)
    for (const { peer } of honest)
      expect(peer.status().paused).to.match(
        /^3 members are left and 4 are needed: the run is paused until its author/
      )
    const [author, other] = honest as [PeerLife, PeerLife]
    const everyone = [...honest, liar].map(({ member }) => member.id)
    const refusal = async (life: PeerLife, members: readonly string[]): Promise<string> =>
      life.peer.reconfigure(members).then(
        () => 'taken',
        error => (error as Error).message
      )
    expect(await refusal(other, everyone)).to.match(/only the author of the run/)
    expect(await refusal(author, everyone.slice(1))).to.match(/4 members are needed/)
    // It trusts the one that cheated again.
    expect(await refusal(author, everyone)).to.equal('taken')
    expect(author.peer.status().paused).to.equal(null)
    expect(await refusal(author, everyone)).to.match(/the run is not paused/)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(cluster.splits()).to.deep.equal([])
    const kinds = linksOf(author).map(({ kind }) => kind)
    expect(kinds).to.deep.equal(['result', 'reconfiguration', 'result'])
    // What it did before is forgiven, although the evidence is on everyone's disk.
    expect(linksOf(author).at(-1)).to.deep.include({ expulsions: [], members: everyone.sort() })
    await cluster.stop()
  })
})
