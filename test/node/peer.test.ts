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
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import { adapterFolder } from '../../node/peer/run-disk.ts'
import { loadAdapter, readAdapterConfig } from '../../node/peft/peft-files.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../../protocols/hex.ts'
import { runId } from '../../protocols/run-manifest.ts'
import { RunRegistry } from '../../protocols/run-registry.ts'
import { encodeSignedManifest, verifyManifest } from '../../protocols/signed-manifest.ts'
import type { TrafficRecord } from '../../protocols/traffic.ts'
import { testMember } from '../support/chains.ts'
import { hasEvent, linksOf, PeerCluster } from '../support/peer-cluster.ts'
import { vectorTraining } from '../support/vector-trainer.ts'

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
        const folder = adapterFolder(run.id)
        const config = await readAdapterConfig(life.disk, folder)
        expect(await loadAdapter(life.disk, folder, config, { layout })).to.deep.equal(adapter)
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
        const { adapter, factors } = job
        addLanes(
          sum,
          encodeTraining(encoding, layout, factors, adapter, trained, clipNorm, weight, random).input
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
      const { input: plain } = encodeTraining(
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
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 8 } })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => linksOf(lives[0]!).length === 2)
    const late = await cluster.start(9)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(hasEvent(late, 'caught-up')).to.equal(true)
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
    // Gossip is sent once and received by all the others. The manifest goes from each to each when they meet.
    const manifests = founders * (founders - 1) * encodeSignedManifest(cluster.run.signed).length
    const [sent, received] = [
      sum(({ control }) => control.sent) - manifests,
      sum(({ control }) => control.received) - manifests
    ]
    expect(received).to.be.greaterThan(2 * sent)
    expect(sent).to.be.greaterThan(0)
    await cluster.stop()
  })
})
