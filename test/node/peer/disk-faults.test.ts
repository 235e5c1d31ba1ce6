import { expect } from 'chai'
import { adapterFolder } from '../../../node/peer/run-disk.ts'
import { loadAdapter, readAdapterConfig } from '../../../node/peft/peft-files.ts'
import { FilesError } from '../../../protocols/files-error.ts'
import { topicOfRun } from '../../../protocols/run-protocols.ts'
import type { TrafficRecord } from '../../../protocols/traffic.ts'
import { testMember } from '../../support/chains.ts'
import { dyingFiles } from '../../support/dying-files.ts'
import { linksOf, PeerCluster, type PeerLife } from '../../support/peer-cluster.ts'

describe('a peer and its disk', () => {
  const full = (limit: number) => (disk: PeerLife['disk']) => {
    let writes = 0
    return {
      ...disk,
      append: async (path: string, bytes: Uint8Array): Promise<void> => {
        if (++writes > limit)
          throw new FilesError('NO_SPACE', { path }, `cannot write ${path}: the disk is full`)
        await disk.append(path, bytes)
      }
    }
  }

  it('stops with a clear error when the disk is full; the others go on, and it goes on from its disk later', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 2 } })
    const [victim, ...others] = await Promise.all([
      cluster.start(1, { files: full(9) }),
      ...[2, 3, 4].map(number => cluster.start(number))
    ])
    await cluster.runUntil(() => victim!.peer.status().condition === 'failed')
    const error = await victim!.peer.finished.catch((error: Error) => error)
    expect(error).to.include({ name: 'PeerError', code: 'STORE_FAILED' })
    expect((error as Error).message).to.match(
      /runs\/[0-9a-f]{64}\/\w+\.log: the disk is full\. The peer has stopped/
    )
    expect(victim!.events.filter(({ type }) => type === 'error')).to.have.length(1)
    victim!.kill()
    await cluster.runUntil(() => linksOf(others[0]!).length >= 1)
    await cluster.restart(1)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('does not start in a folder that it cannot write to', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const readOnly = (disk: PeerLife['disk']) => ({
      ...disk,
      write: async (path: string) => {
        throw new FilesError('READ_ONLY', { path }, `cannot write ${path}: the file system is read-only`)
      }
    })
    const error = await cluster.start(1, { files: readOnly }).then(
      () => null,
      (error: Error) => error
    )
    expect(error).to.include({ code: 'STORE_FAILED' })
    expect(error!.message).to.contain('manifest.json: the file system is read-only')
  })

  for (const [number, count, what] of [
    [1, 1, /^append .*journal\.log$/],
    [3, 1, /^write .*states.*\.bin$/],
    [2, 2, /^append .*chain\.log$/]
  ] as const) {
    it(`that lost power in the middle of ${what} comes back to the others' chain`, async () => {
      const cluster = new PeerCluster({ founders: 4 })
      let seen = 0
      const files = (disk: PeerLife['disk'], kill: () => void) =>
        dyingFiles(disk, kill, write => what.test(write) && ++seen === count, 'torn')
      await Promise.all([1, 2, 3, 4].map(each => cluster.start(each, each === number ? { files } : {})))
      await cluster.runUntil(() => cluster.lives.get(number)!.dead)
      expect(seen).to.equal(count)
      await cluster.clock.advance(500)
      await cluster.restart(number)
      expect(await cluster.runToEnd()).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      expect(cluster.splits()).to.deep.equal([])
      await cluster.stop()
    })
  }

  it('that lost power between the last link and its adapter writes the adapter when it starts again', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 } })
    const files = (disk: PeerLife['disk'], kill: () => void) => ({
      ...disk,
      write: async (path: string, bytes: Uint8Array): Promise<void> => {
        if (path.includes('adapter_model')) kill()
        else await disk.write(path, bytes)
      }
    })
    await Promise.all([1, 2, 3, 4].map(number => cluster.start(number, number === 2 ? { files } : {})))
    await cluster.runToEnd()
    expect(cluster.living).to.have.length(3)
    const back = await cluster.restart(2)
    expect(await cluster.runToEnd()).to.equal(true)
    const { layout, run } = cluster.run
    const { adapter } = await back.peer.finished
    const folder = adapterFolder(run.id)
    const config = await readAdapterConfig(back.disk, folder)
    expect(await loadAdapter(back.disk, folder, config, { layout })).to.deep.equal(adapter)
    await cluster.stop()
  })

  it('without its journal says nothing until the attempt is over, then takes part again', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 2 } })
    const lives = await cluster.startAll()
    const victim = lives[2]!
    await cluster.runUntil(() => victim.peer.status().phase === 'LocalTraining')
    victim.kill()
    const disk = victim.disk.copy()
    const [run] = await disk.list('runs')
    await disk.remove(`runs/${run}/journal.log`)
    const back = await cluster.restart(3, { disk })
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(
      back.events.some(event => event.type === 'warning' && /journal\.log is missing/.test(event.message))
    ).to.equal(true)
    const [first, second] = linksOf(lives[0]!)
    expect(first!.survivors.map(({ peer }) => peer)).not.to.include(back.member.id)
    expect(second!.survivors.map(({ peer }) => peer)).to.include(back.member.id)
    await cluster.stop()
  })

  it('without its state asks the others for it', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => linksOf(lives[2]!).length === 1)
    lives[2]!.kill()
    const disk = lives[2]!.disk.copy()
    const [run] = await disk.list('runs')
    for (const name of await disk.list(`runs/${run}/states`)) await disk.remove(`runs/${run}/states/${name}`)
    const back = await cluster.restart(3, { disk })
    expect(
      back.events.some(
        event => event.type === 'warning' && /state of link 1 is not on the disk/.test(event.message)
      )
    ).to.equal(true)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('without its state does not begin anew on an old founding list', async () => {
    const founding: Uint8Array[] = []
    const recorder = () => (record: TrafficRecord) => {
      if (record.kind === 'gossip' && Buffer.from(record.bytes).includes('founding'))
        founding.push(record.bytes)
    }
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 }, recorder })
    const lives = await cluster.startAll()
    await cluster.runToEnd()
    for (const life of lives) life.kill()
    const disk = lives[2]!.disk.copy()
    const [run] = await disk.list('runs')
    for (const name of await disk.list(`runs/${run}/states`)) await disk.remove(`runs/${run}/states/${name}`)
    const back = await cluster.restart(3, { disk })
    const stranger = cluster.world.join(testMember(50).id)
    await cluster.clock.advance(1_000)
    await stranger.publish(topicOfRun(cluster.run.run.id), founding[0]!)
    await cluster.clock.advance(1_000)
    expect(back.peer.status()).to.include({ condition: 'running', phase: 'WaitingForMembers' })
    await cluster.restart(1)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })

  it('keeps two states and an empty journal, however many rounds there were', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 3 } })
    const [life] = await cluster.startAll()
    await cluster.runToEnd()
    const [run] = await life!.disk.list('runs')
    expect(await life!.disk.list(`runs/${run}/states`)).to.have.length(2)
    // Every attempt that it speaks of is closed.
    expect(await life!.disk.size(`runs/${run}/journal.log`)).to.equal(0)
    await cluster.stop()
  })
})
