import { expect } from 'chai'
import { createPatientPeer } from '../../../node/peer/patient-peer.ts'
import type { PeerEvent } from '../../../node/peer/peer-types.ts'
import { FullDisk } from '../../support/full-disk.ts'
import { type LifeOptions, linksOf, PeerCluster, type PeerLife } from '../../support/peer-cluster.ts'

const OTHERS = [2, 3, 4]

function on(disk: FullDisk): LifeOptions {
  return { files: real => disk.over(real), create: (ports, config) => createPatientPeer(ports, config, disk) }
}

function ofType<T extends PeerEvent['type']>(
  life: PeerLife,
  type: T
): Array<Extract<PeerEvent, { type: T }>> {
  return life.events.filter((event): event is Extract<PeerEvent, { type: T }> => event.type === type)
}

/** A run of which one peer's disk is full from its n-th write on, and has space again a minute later. */
async function runWithFullDisk(fullAt: number, rounds = 2): Promise<{ isHit: boolean }> {
  const cluster = new PeerCluster({ founders: 4, manifest: { rounds } })
  const disk = new FullDisk(fullAt)
  const [victim] = await Promise.all([
    cluster.start(1, on(disk)),
    ...OTHERS.map(number => cluster.start(number))
  ])
  const isOver = (): boolean => cluster.living.every(({ peer }) => peer.status().condition === 'finished')
  await cluster.runUntil(() => disk.isFull || isOver())
  await cluster.clock.advance(60_000)
  const isHit = disk.isFull
  if (isHit) {
    expect(victim!.peer.status()).to.include({ condition: 'paused-disk-full' })
    expect(ofType(victim!, 'disk-full')).to.have.length(1)
    expect(ofType(victim!, 'disk-ready')).to.have.length(0)
  }
  disk.isFull = false
  expect(await cluster.runToEnd(), `full at write ${fullAt}`).to.equal(true)
  expect(cluster.stateHashes().size).to.equal(1)
  expect(cluster.splits()).to.deep.equal([])
  expect(ofType(victim!, 'disk-ready')).to.have.length(isHit ? 1 : 0)
  for (const life of cluster.living) {
    expect(ofType(life, 'error'), `full at write ${fullAt}`).to.deep.equal([])
    expect(ofType(life, 'blamed'), `full at write ${fullAt}`).to.deep.equal([])
  }
  await cluster.stop()
  return { isHit }
}

describe('a peer whose disk is full', () => {
  for (const fullAt of [0, 2, 5, 9, 14, 20]) {
    it(`from its write ${fullAt} on waits for space and goes on by itself, with nothing said twice`, async () => {
      expect(await runWithFullDisk(fullAt)).to.deep.equal({ isHit: true })
    })
  }

  it('says what it needs, and nothing to the others while it waits; they go on', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 3 } })
    const disk = new FullDisk(9)
    disk.free = 4_096
    const said: string[] = []
    const [victim, other] = await Promise.all([
      cluster.start(1, {
        ...on(disk),
        network: network => ({
          ...network,
          get peerId() {
            return network.peerId
          },
          publish: (topic, data) => {
            if (victim?.peer.status().condition === 'paused-disk-full') said.push(topic)
            return network.publish(topic, data)
          }
        })
      }),
      ...OTHERS.map(number => cluster.start(number))
    ])
    await cluster.runUntil(() => linksOf(other!).length === 2)
    const [event] = ofType(victim!, 'disk-full')
    expect(event).to.include({ freeBytes: 4_096 })
    expect(event!.neededBytes).to.be.above(20 * cluster.run.layout.length)
    expect(event!.message).to.match(/^cannot write runs\/.*: the disk is full$/)
    expect(victim!.peer.status()).to.deep.include({ condition: 'paused-disk-full' })
    expect(victim!.peer.status().diskFull).to.include({ freeBytes: 4_096, path: event!.path })
    // Room for the small file that failed is not room for the next state.
    disk.isFull = false
    disk.free = event!.neededBytes - 1
    await cluster.clock.advance(300_000)
    expect(victim!.peer.status().condition).to.equal('paused-disk-full')
    expect(said).to.deep.equal([])
    disk.free = event!.neededBytes
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(victim!.peer.status()).not.to.have.property('diskFull')
    await cluster.stop()
  })

  it('under a quota, which no figure shows, goes on only once as much can be written as it needs', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const disk = new FullDisk(9)
    disk.free = 1e12
    const [victim] = await Promise.all([
      cluster.start(1, on(disk)),
      ...OTHERS.map(number => cluster.start(number))
    ])
    await cluster.runUntil(() => disk.isFull)
    await cluster.clock.advance(300_000)
    expect(ofType(victim!, 'disk-full')).to.have.length(1)
    disk.isFull = false
    expect(await cluster.runToEnd()).to.equal(true)
    const run = (await victim!.disk.list('runs'))[0]!
    expect(await victim!.disk.list(`runs/${run}`)).not.to.include('space')
    await cluster.stop()
  })

  it('waits after a restart too, and before it has ever begun', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const disk = new FullDisk(12)
    const [first] = await Promise.all([
      cluster.start(1, on(disk)),
      ...OTHERS.map(number => cluster.start(number))
    ])
    await cluster.runUntil(() => first!.peer.status().condition === 'paused-disk-full')
    first!.kill()
    const second = await cluster.restart(1, on(disk))
    await cluster.clock.advance(60_000)
    expect(second.peer.status().condition).to.equal('paused-disk-full')
    disk.isFull = false
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('is stopped while it waits, and leaves nothing running', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const disk = new FullDisk(0)
    const life = await cluster.start(1, on(disk))
    await cluster.clock.advance(20_000)
    expect(life.peer.status().condition).to.equal('paused-disk-full')
    await life.peer.stop()
    expect(await life.peer.finished.catch(({ code }) => code)).to.equal('STOPPED')
    disk.isFull = false
    await cluster.clock.advance(600_000)
    expect(ofType(life, 'disk-ready')).to.deep.equal([])
    expect(cluster.clock.pending).to.equal(0)
  })
})
