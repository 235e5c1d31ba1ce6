import { expect } from 'chai'
import { spansOf } from '../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import { decodeSum, laneCountOf, roundWeight } from '../../aggregation/encoding.ts'
import { type Random, seededRandom } from '../../aggregation/random.ts'
import { applyRound, encodeState, initialState } from '../../aggregation/replicated-state.ts'
import { addLanes, zeroLanes } from '../../aggregation/ring.ts'
import { serverOptimizerOf } from '../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import { encodeTraining } from '../../node/peer/local-training.ts'
import type { PeerEvent } from '../../node/peer/peer-types.ts'
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import { adapterFolder } from '../../node/peer/run-disk.ts'
import { loadAdapter } from '../../node/peft/peft-files.ts'
import { nodeCrypto, seededCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../../protocols/hex.ts'
import type { LinkBody } from '../../protocols/messages.js'
import { runId } from '../../protocols/run-manifest.ts'
import { topicOfRun } from '../../protocols/run-protocols.ts'
import { RunRegistry } from '../../protocols/run-registry.ts'
import { verifyManifest } from '../../protocols/signed-manifest.ts'
import type { TrafficRecord } from '../../protocols/traffic.ts'
import { testMember } from '../support/chains.ts'
import { dyingFiles } from '../support/dying-files.ts'
import { PeerCluster, type PeerLife } from '../support/peer-cluster.ts'
import { vectorTraining } from '../support/vector-trainer.ts'

const linksOf = ({ events }: PeerLife): LinkBody[] =>
  events.filter(event => event.type === 'link').map(({ link }) => link)

const has = ({ events }: PeerLife, type: PeerEvent['type']): boolean =>
  events.some(event => event.type === type)

describe('a run of whole peers', () => {
  for (const founders of [4, 7]) {
    it(`brings ${founders} peers through all rounds to one state, each with its adapter on the disk`, async () => {
      const cluster = new PeerCluster({ founders, manifest: { rounds: founders === 4 ? 3 : 2 } })
      const lives = await cluster.startAll()
      expect(await cluster.runToEnd()).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      for (const life of lives) {
        const { completedRounds, stateHash, adapter } = await life.peer.finished
        expect(completedRounds).to.equal(cluster.run.manifest.rounds)
        expect([toHex(stateHash)]).to.deep.equal([...cluster.stateHashes()])
        expect(adapter).not.to.deep.equal(cluster.run.initialAdapter)
        const { layout, run } = cluster.run
        expect(await loadAdapter(life.disk, adapterFolder(run.id), layout)).to.deep.equal(adapter)
        // In the first attempt of each round, with everyone's input.
        for (const { attempt, survivors } of linksOf(life)) {
          expect(attempt).to.equal(0)
          expect(survivors.length).to.equal(founders)
        }
      }
      await cluster.stop()
    })
  }

  it('opens to exactly the sum of the quantised deltas: the certified state follows from them to the last bit', async () => {
    const rounding = (number: number, count: number): Random => seededRandom(1000 * number + count)
    const cluster = new PeerCluster({ founders: 5, manifest: { rounds: 2, strategy: 'fedit' }, rounding })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    const { layout, manifest, run, initialAdapter } = cluster.run
    const crypto = nodeCrypto()
    const strategy = strategyByName('fedit')
    let state = initialState(initialAdapter, manifest.secureSum.clipNorm)
    for (const [round, link] of linksOf(lives[0]!).entries()) {
      const encoding = roundEncodingOf(run, layout, 5, round)
      const sum = zeroLanes(encoding.ringBits, laneCountOf(encoding))
      for (const { number, trainer } of lives) {
        const job = trainer.jobs[round]!
        expect(job.adapter).to.deep.equal(state.adapter)
        const trained = vectorTraining(job, layout, number)
        const weight = roundWeight(number, encoding.maxWeight)
        const { clipNorm } = manifest.secureSum
        const random = rounding(number, round)
        addLanes(
          sum,
          encodeTraining(encoding, layout, job.factors, job.adapter, trained, clipNorm, weight, random)
        )
      }
      const decoded = decodeSum(encoding, sum, 5)
      state = applyRound(state, decoded, strategy, serverOptimizerOf(manifest.serverOptimizer), layout)
      expect(toHex(link.stateHash)).to.equal(
        toHex(addressOf(chunkHashes(encodeState(state), crypto), crypto))
      )
      expect(link.weightSum).to.equal(decoded.weightSum)
      expect(link.meanLoss).to.equal(decoded.meanMetrics[0])
    }
    await cluster.stop()
  })

  it('trains the factors of the strategy with the seeds of round, attempt and peer', async () => {
    const cluster = new PeerCluster({
      founders: 4,
      manifest: { rounds: 3, training: { schedule: 'cosine', learningRate: 0.1 } }
    })
    const lives = await cluster.startAll()
    await cluster.runToEnd()
    const jobs = lives.map(({ trainer }) => trainer.jobs)
    expect(jobs[0]!.map(({ factors }) => factors)).to.deep.equal([['B'], ['A'], ['B']])
    expect(new Set(jobs.flat().map(({ seed }) => seed)).size).to.equal(12)
    // Cosine over three rounds: 0.1 (1 + cos(0, pi/3, 2 pi/3)) / 2.
    const rates = jobs[0]!.map(({ learningRate }) => learningRate)
    ;[0.1, 0.075, 0.025].forEach((rate, i) => {
      expect(rates[i]).to.be.closeTo(rate, 1e-12)
    })
    await cluster.stop()
  })

  it('lets no plain delta out: what a peer sends of its input is not what it trained', async () => {
    const sent: TrafficRecord[] = []
    const rounding = (number: number): Random => seededRandom(number)
    const cluster = new PeerCluster({
      founders: 4,
      manifest: { rounds: 1 },
      rounding,
      recorder: () => record => {
        if (record.direction === 'out') sent.push(record)
      }
    })
    const lives = await cluster.startAll()
    await cluster.runToEnd()
    const { layout, manifest, run } = cluster.run
    const encoding = roundEncodingOf(run, layout, 4, 0)
    for (const { number, trainer } of lives) {
      const job = trainer.jobs[0]!
      const trained = vectorTraining(job, layout, number)
      const { clipNorm } = manifest.secureSum
      const weight = roundWeight(number, encoding.maxWeight)
      const plain = encodeTraining(
        encoding,
        layout,
        job.factors,
        job.adapter,
        trained,
        clipNorm,
        weight,
        rounding(number)
      )
      const words = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
      const length = spansOf(layout, job.factors).reduce((total, span) => total + span.length, 0)
      expect(length).to.equal(100)
      // Any 16 bytes of it in a row would do.
      for (const { bytes } of sent) {
        for (let at = 0; at + 16 <= words.length; at += 16) {
          expect(Buffer.from(bytes).includes(words.subarray(at, at + 16))).to.equal(false)
        }
      }
    }
    await cluster.stop()
  })

  it('goes on over gossip that is lost and comes twice', async () => {
    const cluster = new PeerCluster({
      founders: 4,
      seed: 3,
      manifest: { rounds: 3 },
      world: { lossRate: 0.05, duplicateRate: 0.2 }
    })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    // Also on a peer that had to fetch the last state from the others.
    for (const { peer } of lives) expect((await peer.finished).completedRounds).to.equal(3)
    await cluster.stop()
  })
})

describe('a peer that joins late', () => {
  it('reaches the same state from nothing, and takes part in later rounds', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 5 } })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => linksOf(lives[0]!).length === 2)
    const late = await cluster.start(9)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(has(late, 'caught-up')).to.equal(true)
    expect(late.peer.status().members).to.include(late.member.id)
    const last = linksOf(lives[0]!).at(-1)!
    expect(last.survivors.map(({ peer }) => peer)).to.include(late.member.id)
    await cluster.stop()
  })

  it('reaches it after the run is over, too', async () => {
    const cluster = new PeerCluster({
      founders: 4,
      manifest: { rounds: 2, serverOptimizer: { name: 'fedadam' } }
    })
    await cluster.startAll()
    await cluster.runToEnd()
    const late = await cluster.start(9)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect((await late.peer.finished).completedRounds).to.equal(2)
    await cluster.stop()
  })
})

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

describe('a peer and its disk', () => {
  const full = (limit: number) => (disk: PeerLife['disk']) => {
    let writes = 0
    return {
      ...disk,
      append: async (path: string, bytes: Uint8Array): Promise<void> => {
        if (++writes > limit)
          throw new (await import('../../protocols/files-error.ts')).FilesError(
            'NO_SPACE',
            { path },
            `cannot write ${path}: the disk is full`
          )
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
    const { FilesError } = await import('../../protocols/files-error.ts')
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

  for (const [number, dieAt, what] of [
    [1, 3, /^append .*journal\.log$/],
    [3, 13, /^write .*states.*\.bin$/],
    [2, 14, /^append .*chain\.log$/]
  ] as const) {
    it(`that lost power in the middle of write ${dieAt} comes back to the others' chain`, async () => {
      const cluster = new PeerCluster({ founders: 4 })
      const writes: string[] = []
      const files = (disk: PeerLife['disk'], kill: () => void) =>
        dyingFiles(disk, kill, dieAt, 'torn', write => writes.push(write))
      await Promise.all([1, 2, 3, 4].map(each => cluster.start(each, each === number ? { files } : {})))
      await cluster.runUntil(() => cluster.lives.get(number)!.dead)
      // The order of writes that the test counts on.
      expect(writes.at(-1)).to.match(what)
      await cluster.clock.advance(500)
      await cluster.restart(number)
      expect(await cluster.runToEnd()).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      expect(cluster.splits()).to.deep.equal([])
      await cluster.stop()
    })
  }

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

describe('a peer that is held up', () => {
  it('stops at once, leaves no timer behind, and goes on after a new start', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => lives[3]!.peer.status().phase === 'LocalTraining')
    const startedMs = cluster.clock.nowMs()
    await lives[3]!.peer.stop()
    expect(cluster.clock.nowMs()).to.equal(startedMs)
    expect(lives[3]!.peer.status().condition).to.equal('stopped')
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
    expect(has(lives[3]!, 'sum-refused')).to.equal(true)
    expect(linksOf(lives[3]!).map(({ kind }) => kind)).to.deep.equal(['result'])
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
    expect(has(lives[0]!, 'sum-refused')).to.equal(true)
    const seeds = lives[0]!.trainer.jobs.map(({ seed }) => seed)
    expect(new Set(seeds).size).to.equal(3)
    await cluster.stop()
  })
})

describe('the run of a peer', () => {
  it('is named to whoever asks any of its peers what is offered', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 } })
    await cluster.startAll()
    const network = cluster.world.join(testMember(50).id)
    const crypto = nodeCrypto()
    const validateManifest = (bytes: Uint8Array) => ({
      run: toHex(runId(verifyManifest(bytes, crypto), crypto.sha256))
    })
    const stranger = new RunRegistry({ network, clock: cluster.clock, validateManifest })
    const asking = stranger.ask(testMember(3).id)
    await cluster.clock.advance(1_000)
    expect((await asking).map(({ run }) => run)).to.deep.equal([toHex(cluster.run.run.id)])
    stranger.close()
    await cluster.stop()
  })
})

describe('who may not take part', () => {
  const cluster = new PeerCluster({
    founders: 4,
    manifest: { admission: { kind: 'list', peers: [1, 2, 3, 4].map(number => testMember(number).id) } }
  })
  const failure = (start: () => Promise<unknown>): Promise<Error | null> =>
    start().then(
      () => null,
      (error: Error) => error
    )

  it('is told which base model the run has and which was given', async () => {
    const error = await failure(() => cluster.start(1, { baseModelSha256: 'cd'.repeat(32) }))
    expect(error).to.include({ code: 'OTHER_BASE_MODEL' })
    expect(error!.message).to.match(new RegExp(`${'ab'.repeat(32)}.*${'cd'.repeat(32)}`))
  })

  it('is told that it is not on the list, and whom to ask', async () => {
    const error = await failure(() => cluster.start(9))
    expect(error).to.include({ code: 'NOT_ADMITTED' })
    expect(error!.message).to.contain(testMember(9).id).and.to.contain(cluster.run.author.id)
  })
})

describe('the bytes of a round', () => {
  it('are counted by purpose: own input up, others to check, and the rest', async () => {
    const founders = 4
    const cluster = new PeerCluster({ founders, manifest: { rounds: 1, strategy: 'fedit' } })
    const lives = await cluster.startAll()
    await cluster.runToEnd()
    const { layout, run } = cluster.run
    const bodyBytes = 2 * laneCountOf(roundEncodingOf(run, layout, founders, 0))
    const counts = lives.map(({ events }) => events.find(event => event.type === 'link')!.bytes)
    const sum = (pick: (count: (typeof counts)[number]) => number): number =>
      counts.reduce((total, count) => total + pick(count), 0)
    // Every peer pulls every other's body once, with its hash, from its owner or from someone who has it.
    const pulled = founders * (founders - 1) * (bodyBytes + 32)
    expect(sum(({ verification }) => verification.received))
      .to.be.at.least(pulled)
      .and.below(1.2 * pulled)
    expect(sum(({ maskedUpload, verification }) => maskedUpload.sent + verification.sent))
      .to.be.at.least(pulled)
      .and.below(1.2 * pulled)
    for (const { maskedUpload, control } of counts) {
      expect(maskedUpload.sent % (bodyBytes + 32)).to.equal(0)
      expect(maskedUpload.sent).to.be.at.least(bodyBytes)
      expect(control.sent).to.be.greaterThan(0)
      expect(control.received).to.be.greaterThan(0)
    }
    // Gossip is sent once and received by all the others.
    expect(sum(({ control }) => control.received)).to.be.greaterThan(2 * sum(({ control }) => control.sent))
    await cluster.stop()
  })
})
