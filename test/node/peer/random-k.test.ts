import { expect } from 'chai'
import { layoutOf, spansOf } from '../../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../../aggregation/blob-address.ts'
import { decodeSum, laneCountOf, roundWeight } from '../../../aggregation/encoding.ts'
import { type Random, seededRandom } from '../../../aggregation/random.ts'
import { compress, keptCoordinates, spread } from '../../../aggregation/random-k.ts'
import { applyRound, encodeState, initialState } from '../../../aggregation/replicated-state.ts'
import { addLanes, zeroLanes } from '../../../aggregation/ring.ts'
import { serverOptimizerOf } from '../../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../../aggregation/strategies.ts'
import { ErrorFeedback } from '../../../node/peer/error-feedback.ts'
import { encodeTraining } from '../../../node/peer/local-training.ts'
import { keptOf, roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import { runFolder } from '../../../node/peer/run-disk.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { toHex } from '../../../protocols/hex.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { testRun } from '../../support/chains.ts'
import { linksOf, PeerCluster } from '../../support/peer-cluster.ts'
import { vectorTraining } from '../../support/vector-trainer.ts'

const crypto = nodeCrypto()

describe('random-k in a run', () => {
  it('sums the same coordinates of everyone, and each keeps the rest, to the last bit', async () => {
    const rounding = (number: number, count: number): Random => seededRandom(1000 * number + count)
    const secureSum = { randomK: 0.3, clipNorm: 100 }
    const options = { rounds: 4, strategy: 'rolora', secureSum, training: { learningRate: 0.1 } }
    const cluster = new PeerCluster({ founders: 4, manifest: options, rounding })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    const { layout, manifest, run, initialAdapter } = cluster.run
    const strategy = strategyByName('rolora')
    const leftovers = new Map(lives.map(({ number }) => [number, new Float32Array(layout.length)]))
    let state = initialState(initialAdapter, 100)
    for (const [round, link] of linksOf(lives[0]!).entries()) {
      const encoding = roundEncodingOf(run, layout, 4, round)
      expect(encoding.dimension).to.equal(30)
      const kept = keptOf(run, layout, round)!
      const sum = zeroLanes(encoding.ringBits, laneCountOf(encoding))
      for (const { number, trainer } of lives) {
        const { factors, adapter, ...job } = trainer.jobs[round]!
        const trained = vectorTraining({ factors, adapter, ...job }, layout, number)
        const weight = roundWeight(number, encoding.maxWeight)
        const [span] = spansOf(layout, factors)
        const own = leftovers.get(number)!
        const spans = spansOf(layout, factors)
        const gathered = Float32Array.from(
          spans.flatMap(({ offset, length }) => [...own.subarray(offset, offset + length)])
        )
        expect(span).not.to.equal(undefined)
        const random = rounding(number, round)
        const randomK = { kept, leftover: gathered }
        const { input, compressed } = encodeTraining(
          ...([encoding, layout, factors, adapter, trained, 100, weight, random, randomK] as const)
        )
        addLanes(sum, input)
        let at = 0
        for (const { offset, length } of spans) {
          own.set(compressed!.leftover.subarray(at, at + length), offset)
          at += length
        }
      }
      const decoded = decodeSum(encoding, sum, 4)
      const weightedSum = spread(decoded.weightedSum, kept, 100)
      const optimizer = serverOptimizerOf(manifest.serverOptimizer)
      state = applyRound(state, { ...decoded, weightedSum }, strategy, optimizer, layout)
      expect(toHex(link.stateHash)).to.equal(
        toHex(addressOf(chunkHashes(encodeState(state), crypto), crypto))
      )
    }
    expect(state.completedRounds).to.equal(4)
    for (const { number, disk } of lives) {
      const path = `${runFolder(run.id)}/leftover.bin`
      const kept = await ErrorFeedback.open(disk, path, layout, crypto, expect.fail)
      const whole = kept.of([{ offset: 0, length: layout.length }])
      expect(whole).to.deep.equal(leftovers.get(number))
      expect(whole.some(x => x !== 0)).to.equal(true)
    }
    await cluster.stop()
  })

  it('takes other coordinates in every round and run, and says so in the hash of the encoding', () => {
    const runs = [0.3, 0.3, 0.31, 1].map((randomK, i) =>
      testRun(4, { name: `run ${Math.min(i, 1)}`, secureSum: { randomK } })
    )
    const drawn = runs
      .slice(0, 2)
      .flatMap(({ run, layout }) => [0, 2].map(round => [...keptOf(run, layout, round)!]))
    expect(new Set(drawn.map(String)).size).to.equal(4)
    expect(drawn[0]).to.deep.equal([...keptCoordinates(`random-k ${toHex(runs[0]!.run.id)} 0`, 100, 30)])
    const hashes = runs.map(({ run }) => toHex(run.encodingHashOf(4, 0)))
    expect(new Set(hashes).size).to.equal(4)
    expect(keptOf(runs[3]!.run, runs[3]!.layout, 0)).to.equal(null)
  })
})

describe('what is left over, on the disk', () => {
  const layout = layoutOf([
    { name: 'm.lora_A', factor: 'A', shape: [1, 2] },
    { name: 'm.lora_B', factor: 'B', shape: [3, 1] }
  ])
  const all = [{ offset: 0, length: 5 }]
  const spans = spansOf(layout, ['B'])
  const id = { round: 3, attempt: 1 }
  const self = 'me'
  const survivors = [{ peer: 'me', address: new Uint8Array(32) }]
  const open = (files = memoryFiles(), warn: (message: string) => void = expect.fail) =>
    ErrorFeedback.open(files, 'leftover.bin', layout, crypto, warn)

  /** Leftover [0, 0, 1, 2, 3] of an earlier round; then an input is announced with the first coordinate of B. */
  async function announced(files = memoryFiles()) {
    const feedback = await open(files)
    const first = compress(Float64Array.of(1, 2, 3), new Float64Array(3), new Uint32Array(0), 100)
    await feedback.announce({ round: 2, attempt: 0 }, { spans, compressed: first })
    await feedback.settle({ kind: 'result', round: 2, attempt: 0, survivors }, self)
    expect([...feedback.of(all)]).to.deep.equal([0, 0, 1, 2, 3])
    const compressed = compress(Float64Array.of(10, 20, 30), feedback.of(spans), Uint32Array.of(0), 100)
    await feedback.announce(id, { spans, compressed })
    return { files, feedback }
  }

  const counted = [0, 0, 0, 22, 33]
  const uncounted = [0, 0, 0, 2, 3]

  it('is there before the input is announced, and after a restart', async () => {
    const { files } = await announced()
    expect([...(await open(files)).of(all)]).to.deep.equal(counted)
  })

  for (const [what, link, expected] of [
    ['stays when the input is in the result', { kind: 'result', ...id, survivors }, counted],
    ['goes back when the round was lost', { kind: 'lost', ...id, survivors }, uncounted],
    ['goes back when the attempt was given up', { kind: 'abort', ...id, survivors: [] }, uncounted],
    ['goes back when the result is without it', { kind: 'result', ...id, survivors: [] }, uncounted],
    ['stays when another attempt ends', { kind: 'abort', round: 3, attempt: 0, survivors: [] }, counted]
  ] as const) {
    it(`${what}, but what was handed out is gone in any case`, async () => {
      const { files, feedback } = await announced()
      await feedback.settle({ ...link, survivors: [...link.survivors] }, self)
      expect([...feedback.of(all)]).to.deep.equal(expected)
      expect([...(await open(files)).of(all)]).to.deep.equal(expected)
      // Once only.
      await feedback.settle({ kind: 'lost', ...id, survivors: [] }, self)
      if (link.attempt === id.attempt) expect([...feedback.of(all)]).to.deep.equal(expected)
    })
  }

  it('is overwritten in memory when the peer stops, and stays on the disk', async () => {
    const { files, feedback } = await announced()
    feedback.erase()
    expect([...feedback.of(all)]).to.deep.equal([0, 0, 0, 0, 0])
    await feedback.settle({ kind: 'lost', ...id, survivors: [] }, self)
    expect([...(await open(files)).of(all)]).to.deep.equal(counted)
  })

  it('begins with nothing where the file is damaged or of another adapter, and says so', async () => {
    const { files } = await announced()
    const bytes = (await files.read('leftover.bin'))!
    for (const damaged of [
      bytes.subarray(1),
      bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
      new Uint8Array(3)
    ]) {
      await files.write('leftover.bin', damaged)
      const warnings: string[] = []
      const feedback = await open(files, message => warnings.push(message))
      expect([...feedback.of(all)]).to.deep.equal([0, 0, 0, 0, 0])
      expect(warnings).to.have.length(1)
    }
  })
})
