import { expect } from 'chai'
import type { Peer } from '../../../node/peer/peer-types.ts'
import { seededCrypto } from '../../../node/platform/node-crypto.ts'
import { BLOB_PROTOCOL } from '../../../protocols/blob-messages.ts'
import { toHex } from '../../../protocols/hex.ts'
import { CHAIN_PROTOCOL, MESSAGE_PROTOCOL, TRANSCRIPT_PROTOCOL } from '../../../protocols/run-protocols.ts'
import { RUNS_PROTOCOL } from '../../../protocols/run-registry.ts'
import { hasEvent, linksOf, PeerCluster } from '../../support/peer-cluster.ts'

const served = [BLOB_PROTOCOL, CHAIN_PROTOCOL, MESSAGE_PROTOCOL, TRANSCRIPT_PROTOCOL, RUNS_PROTOCOL]

describe('a peer that dies', () => {
  it('after its input was announced is counted in by the same attempt, and comes back to the same state', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const lives = await cluster.startAll()
    const victim = lives[1]!
    const others = lives.filter(life => life !== victim)
    const heldByAll = (): boolean =>
      others.every(({ peer }) => peer.status().round === 1 && peer.status().held.includes(victim.member.id))
    expect(await cluster.runUntil(heldByAll)).to.equal(true)
    victim.kill()
    await cluster.runUntil(() => linksOf(others[0]!).length === 2)
    const link = linksOf(others[0]!)[1]!
    expect(link).to.include({ kind: 'result', round: 1, attempt: 0 })
    expect(link.survivors.map(({ peer }) => peer)).to.include(victim.member.id)
    await cluster.restart(2)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('in the middle of an attempt goes on voting in it, as its journal tells what it has said', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => lives[2]!.peer.status().phase === 'LocalTraining')
    lives[2]!.kill()
    await cluster.clock.advance(200)
    const back = await cluster.restart(3)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const notice = back.events.find(event => event.type === 'notice' && event.notice === 'without-secrets')
    expect(notice).to.have.property('reason').that.contains('goes on voting')
    await cluster.stop()
  })

  it('as the aggregator gives way to a stand-in in the same attempt', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 2 } })
    const lives = await cluster.startAll()
    const leader = (): string | null => lives[0]!.peer.status().aggregator
    await cluster.runUntil(() => lives.every(({ peer }) => peer.status().announced.length === 4))
    const victim = lives.find(({ member }) => member.id === leader())!
    victim.kill()
    const survivor = lives.find(life => life !== victim)!
    await cluster.runUntil(() => linksOf(survivor).length === 1)
    expect(linksOf(survivor)[0]).to.include({ kind: 'result', round: 0, attempt: 0 })
    await cluster.restart(victim.number)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('with all the others at once, at rest, comes back with them', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => lives.every(life => linksOf(life).length >= 1))
    for (const life of lives) life.kill()
    await cluster.clock.advance(60_000)
    await Promise.all([1, 2, 3, 4].map(number => cluster.restart(number)))
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })
})

describe('a peer that is held up', () => {
  it('stops at once, leaves no timer behind, and goes on after a new start', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => lives[3]!.peer.status().phase === 'LocalTraining')
    const startedMs = cluster.clock.nowMs()
    await lives[3]!.peer.stop()
    expect(cluster.clock.nowMs()).to.equal(startedMs)
    expect(lives[3]!.peer.status().condition).to.equal('stopped')
    await cluster.clock.advance(0)
    expect(lives[3]!.trainer.aborted).to.equal(1)
    const error = await lives[3]!.peer.finished.catch((error: Error) => error)
    expect(error).to.include({ code: 'STOPPED' })
    lives[3]!.kill()
    await cluster.restart(4)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
    await cluster.clock.advance(60_000)
    expect(cluster.clock.pending).to.equal(0)
  })

  it('while it starts, or before, does not start, and lets go of the network', async () => {
    for (const before of [true, false]) {
      const cluster = new PeerCluster({ founders: 4 })
      const refusals: unknown[] = []
      const begin = async (peer: Peer): Promise<void> => {
        if (before) await peer.stop()
        const starting = peer.start().catch(error => refusals.push(error.code))
        await peer.stop()
        await starting
      }
      const life = await cluster.start(1, { begin })
      expect(refusals).to.deep.equal(['STOPPED'])
      expect(life.peer.status().condition).to.equal('stopped')
      for (const protocol of served) life.network.serve(protocol, 1, async function* () {})
      await cluster.clock.advance(60_000)
      expect(cluster.clock.pending).to.equal(0)
    }
  })

  it('lets go of the network when it is stopped later', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const life = await cluster.start(1)
    await cluster.clock.advance(5_000)
    for (const protocol of served)
      expect(() => life.network.serve(protocol, 1, async function* () {})).to.throw()
    await life.peer.stop()
    for (const protocol of served) life.network.serve(protocol, 1, async function* () {})
  })

  it('by its own training is left out of the sum, not of the agreement', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 } })
    const lives = await cluster.startAll()
    lives[1]!.trainer.failWith = 'the loss is not a number'
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const [link] = linksOf(lives[1]!)
    expect(link!.survivors.map(({ peer }) => peer)).to.deep.equal(
      cluster.run.members.map(({ id }) => id).filter(id => id !== lives[1]!.member.id)
    )
    const warned = lives[1]!.events.find(event => event.type === 'warning')
    expect(warned).to.have.property('message').that.contains('the loss is not a number')
    await cluster.stop()
  })

  it('by a sum that it cannot open itself takes the certified state from the others', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 } })
    const sound = seededCrypto(Uint8Array.of(1))
    let streams = 0
    const broken = {
      ...sound,
      // The first four are its own mask and those with the other three; then it takes off what nobody has put on.
      keyStream: (key: Uint8Array, offset?: number) =>
        streams++ < 4 ? sound.keyStream(key, offset) : { next: (length: number) => new Uint8Array(length) }
    }
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, number === 4 ? { crypto: broken } : {}))
    )
    expect(await cluster.runToEnd()).to.equal(true)
    expect(hasEvent(lives[3]!, 'sum-refused')).to.equal(true)
    expect(linksOf(lives[3]!).map(({ kind }) => kind)).to.deep.equal(['result'])
    // The end is told last: whoever waits for it has heard of the link.
    const told = lives[3]!.events.map(({ type }) => type)
    expect(told.indexOf('finished')).to.be.above(told.lastIndexOf('link'))
    // Not finished before that state was here, although the link was certified.
    const { completedRounds, stateHash, adapter } = await lives[3]!.peer.finished
    expect(completedRounds).to.equal(1)
    expect(toHex(stateHash)).to.equal(toHex((await lives[0]!.peer.finished).stateHash))
    expect(adapter).to.deep.equal((await lives[0]!.peer.finished).adapter)
    await cluster.stop()
  })

  it('by a sum that somebody spoilt loses that round with the others, and trains anew on other data', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 2 } })
    const honest = seededCrypto(Uint8Array.of(1))
    let spoilt = 0
    // Leaves one mask out, once: its input is garbage to the others, and they cannot tell whose it is.
    const spoiler = {
      ...honest,
      keyStream: (key: Uint8Array, offset?: number) =>
        spoilt++ === 0 ? { next: (length: number) => new Uint8Array(length) } : honest.keyStream(key, offset)
    }
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, number === 2 ? { crypto: spoiler } : {}))
    )
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const links = linksOf(lives[0]!)
    expect(links.map(({ kind }) => kind)).to.deep.equal(['lost', 'result', 'result'])
    expect(hasEvent(lives[0]!, 'sum-refused')).to.equal(true)
    const seeds = lives[0]!.trainer.jobs.map(({ seed }) => seed)
    expect(new Set(seeds).size).to.equal(3)
    await cluster.stop()
  })
})
