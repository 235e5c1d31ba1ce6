import { expect } from 'chai'
import { toHex } from '../../../protocols/hex.ts'
import type { LinkBody } from '../../../protocols/messages.js'
import { committeePeers, tipsOf } from '../../support/committee-peers.ts'
import { linksOf, type PeerLife } from '../../support/peer-cluster.ts'

/** Of masked inputs, and of the state. */
const addressesOf = ({ survivors, stateHash }: LinkBody): string[] =>
  [...survivors.map(({ address }) => address), stateHash].map(toHex)

describe('peers with a committee of verifiers', () => {
  it('outside of it pull no masked input and no state, but the sum, once', async () => {
    const { cluster, asked, committeeAfter } = committeePeers({ manifest: { rounds: 2 } })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const tips = tipsOf(lives[0]!)
    const times = (peer: string, address: Uint8Array) => asked.get(`${peer} ${toHex(address)}`) ?? 0
    for (const { height, survivors, stateHash } of linksOf(lives[0]!)) {
      const committee = committeeAfter(tips.get(height - 1)!)
      expect(committee).to.have.lengthOf(4)
      expect(survivors).to.have.lengthOf(7)
      for (const { member } of lives) {
        const inside = committee.includes(member.id)
        const pulled = survivors.filter(({ address }) => times(member.id, address) > 0)
        expect(pulled, `${member.id} in round ${height}`).to.have.lengthOf(inside ? 6 : 0)
        expect(times(member.id, stateHash), `${member.id} in round ${height}`).to.equal(0)
      }
    }
    const known = new Set(linksOf(lives[0]!).flatMap(addressesOf))
    for (const { member } of lives) {
      const rounds = linksOf(lives[0]!).map(({ height }) => committeeAfter(tips.get(height - 1)!))
      const others = [...asked].filter(
        ([key]) => key.startsWith(member.id) && !known.has(key.slice(member.id.length + 1))
      )
      const outside = rounds.filter(committee => !committee.includes(member.id))
      expect(others.map(([, times]) => times)).to.deep.equal(outside.map(() => 1))
    }
    await cluster.stop()
  })

  it('take its place when more of it die after the commit than it can lose', async () => {
    const { cluster, asked, committeeAfter } = committeePeers({ manifest: { rounds: 1 } })
    const lives = await cluster.startAll()
    const decided = ({ events }: PeerLife) =>
      events.some(
        event => event.type === 'notice' && event.notice === 'decided' && event.subject === 'survivors'
      )
    await cluster.runUntil(() => lives.some(life => tipsOf(life).size > 0))
    const [tip] = tipsOf(lives.find(life => tipsOf(life).size > 0)!).values()
    const committee = committeeAfter(tip!)
    // Two of four, as soon as they know whose sum it is: before they can have attested it.
    for (const id of committee.slice(0, 2)) {
      const victim = lives.find(({ member }) => member.id === id)!
      const off = victim.peer.on(() => {
        if (!decided(victim)) return
        off()
        victim.kill()
      })
    }
    const others = lives.filter(({ member }) => !committee.slice(0, 2).includes(member.id))
    expect(await cluster.runUntil(() => others.every(life => linksOf(life).length >= 1))).to.equal(true)
    expect(lives.filter(({ dead }) => dead)).to.have.lengthOf(2)
    const link = linksOf(others[0]!)[0]!
    expect(link).to.include({ kind: 'result', round: 0, attempt: 0 })
    for (const { member } of others.filter(({ member }) => !committee.includes(member.id))) {
      const pulled = link.survivors.filter(({ address }) => asked.has(`${member.id} ${toHex(address)}`))
      expect(pulled).to.have.lengthOf(6)
    }
    for (const { number, dead } of lives) if (dead) await cluster.restart(number)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(cluster.splits()).to.deep.equal([])
    await cluster.stop()
  })

  it('let a newcomer in, who checks the chain like any other and takes part', async () => {
    const { cluster } = committeePeers({ manifest: { rounds: 4 } })
    const lives = await cluster.startAll()
    expect(await cluster.runUntil(() => lives.every(life => linksOf(life).length >= 1))).to.equal(true)
    const newcomer = await cluster.start(8)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const last = linksOf(lives[0]!).at(-1)!
    expect(last.cohort).to.include(newcomer.member.id)
    expect(last.survivors.map(({ peer }) => peer)).to.include(newcomer.member.id)
    await cluster.stop()
  })
})
