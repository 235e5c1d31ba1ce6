/** Runs with privacy noise, by whole peers over the simulated network. */
import { expect } from 'chai'
import { layoutOf } from '../../aggregation/adapter-layout.ts'
import { secureRandom } from '../../aggregation/dp-secure-random.ts'
import { nextClipNorm } from '../../aggregation/privacy-clipping.ts'
import { decodeState } from '../../aggregation/replicated-state.ts'
import { createRunContext } from '../../node/peer/round-encoding.ts'
import { runFolder } from '../../node/peer/run-disk.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import type { Notice } from '../../node/round/round-types.ts'
import { toHex } from '../../protocols/hex.ts'
import { testRun } from '../support/chains.ts'
import { linksOf, PeerCluster, type PeerLife } from '../support/peer-cluster.ts'

const noise = { mechanism: 'skellam', noiseMultiplier: 2, epsilon: 5, delta: 1e-5 }

function privateCluster(manifest: Record<string, unknown> = {}, founders = 4): PeerCluster {
  return new PeerCluster({ founders, manifest: { rounds: 9, strategy: 'ffa', privacy: noise, ...manifest } })
}

/** The replicated state that a peer's disk holds for a link. */
async function stateOf({ disk }: PeerLife, cluster: PeerCluster, stateHash: Uint8Array) {
  const { run, layout } = cluster.run
  const bytes = await disk.read(`${runFolder(run.id)}/states/${toHex(stateHash)}.bin`)
  return decodeState(bytes!, layout.length)
}

function spentNotices(life: PeerLife) {
  return life.events
    .filter(event => event.type === 'notice')
    .filter(({ notice }) => notice === 'privacy-spent') as Array<Notice & { notice: 'privacy-spent' }>
}

describe('a run with privacy noise', () => {
  it('comes to one state, charges every round, and ends with its adapter before it would pass its epsilon', async () => {
    const cluster = privateCluster()
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const links = linksOf(lives[0]!)
    expect(links.length).to.be.within(2, 8)
    const spent = links.map(({ epsilonSpent }) => epsilonSpent)
    expect(spent).to.deep.equal([...spent].sort((a, b) => a - b))
    expect(new Set(spent).size).to.equal(spent.length)
    expect(spent.at(-1)).to.be.at.most(5)
    // A round more at the price of the last would be too much.
    expect(2 * spent.at(-1)! - spent.at(-2)!).to.be.above(5)
    for (const life of lives) {
      const { completedRounds, end, privacySpent, adapter } = await life.peer.finished
      expect({ completedRounds, end }).to.deep.equal({ completedRounds: links.length, end: 'privacy' })
      expect(privacySpent).to.deep.equal({ epsilon: spent.at(-1), delta: 1e-5 })
      expect(adapter).not.to.deep.equal(cluster.run.initialAdapter)
      const state = await stateOf(life, cluster, links.at(-1)!.stateHash)
      expect(state.privacySpent).to.deep.equal(privacySpent)
      expect(state.adapter).to.deep.equal(adapter)
    }
    // Nothing of the losses is told, and every weight is 1 whoever has how much.
    for (const { meanLoss, weightSum, survivors } of links)
      expect({ meanLoss, weightSum }).to.deep.equal({ meanLoss: 0, weightSum: survivors.length })
    await cluster.stop()
  })

  it('says what is spent when the survivors are committed, before there is a link', async () => {
    const cluster = privateCluster({ rounds: 2 })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => spentNotices(lives[0]!).length === 1)
    const [notice] = spentNotices(lives[0]!)
    expect(linksOf(lives[0]!)).to.deep.equal([])
    expect(lives[0]!.peer.status().privacySpent).to.deep.equal({ epsilon: notice!.epsilon, delta: 1e-5 })
    expect(await cluster.runToEnd()).to.equal(true)
    expect(linksOf(lives[0]!)[0]!.epsilonSpent).to.equal(notice!.epsilon)
    expect((await lives[0]!.peer.finished).end).to.equal('rounds')
    await cluster.stop()
  })

  it('charges a lost round, and trains anew with other data and other noise', async () => {
    // Wide enough to tell garbage from noise.
    const cluster = privateCluster({
      secureSum: { ringBits: 32 },
      rounds: 2,
      privacy: { ...noise, epsilon: 9 }
    })
    const honest = seededCrypto(Uint8Array.of(1))
    let streams = 0
    // Of its first round the noise has the first stream; the mask that is left out is the one after it.
    const spoiler = {
      ...honest,
      keyStream: (key: Uint8Array, offset?: number) =>
        streams++ === 1 ? { next: (length: number) => new Uint8Array(length) } : honest.keyStream(key, offset)
    }
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, number === 2 ? { crypto: spoiler } : {}))
    )
    expect(await cluster.runToEnd()).to.equal(true)
    const links = linksOf(lives[0]!)
    expect(links.map(({ kind }) => kind)).to.deep.equal(['lost', 'result', 'result'])
    const [lost, first, second] = links.map(({ epsilonSpent }) => epsilonSpent)
    expect(lost).to.be.above(0)
    expect(first).to.be.above(lost!)
    expect(second).to.be.above(first!)
    // As much as three results cost.
    const plain = privateCluster({
      secureSum: { ringBits: 32 },
      rounds: 3,
      privacy: { ...noise, epsilon: 9 }
    })
    const [other] = await plain.startAll()
    await plain.runToEnd()
    expect(linksOf(other!).map(({ epsilonSpent }) => epsilonSpent)).to.deep.equal([lost, first, second])
    expect(new Set(lives[0]!.trainer.jobs.map(({ seed }) => seed)).size).to.equal(3)
    await cluster.stop()
    await plain.stop()
  })

  it('does not charge an attempt that was given up, and goes on with other data and new noise', async () => {
    const drawn: string[] = []
    const cluster = privateCluster({ rounds: 1 })
    const noiseOf = (number: number) => (count: number) => {
      drawn.push(`${number} ${count}`)
      return secureRandom(seededCrypto(Uint8Array.of(number, count, 99)))
    }
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, { noise: noiseOf(number) }))
    )
    // Two of four masked inputs are out: no sum of them can be opened without the other two.
    await cluster.runUntil(() => lives[0]!.peer.status().phase === 'LocalTraining')
    for (const life of lives.slice(2)) life.kill()
    await cluster.runUntil(() => drawn.length === 2)
    await cluster.clock.advance(5_000)
    const back = await Promise.all(
      [3, 4].map(number => cluster.restart(number, { noise: noiseOf(number + 10) }))
    )
    expect(await cluster.runToEnd()).to.equal(true)
    const links = linksOf(lives[0]!)
    expect(links.map(({ kind }) => kind)).to.deep.equal(['abort', 'result'])
    expect(links[0]!.epsilonSpent).to.equal(0)
    expect(links[1]!.epsilonSpent).to.be.above(0)
    expect(spentNotices(lives[0]!).map(({ attempt }) => attempt)).to.deep.equal([1])
    const seeds = [...lives, ...back].map(({ trainer }) => trainer.jobs.map(({ seed }) => seed))
    for (const own of seeds.slice(0, 2)) expect(new Set(own).size).to.equal(2)
    // Once for each input, never the same again.
    expect(new Set(drawn).size).to.equal(drawn.length)
    expect(drawn.length).to.equal(6)
    await cluster.stop()
  })

  it('ends alike for one that joins late and one that was restarted, at the same epsilon', async () => {
    const cluster = privateCluster({ cohort: { founders: 4, size: 4 } })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => linksOf(lives[0]!).length === 2)
    lives[3]!.kill()
    const back = await cluster.restart(4)
    const late = await cluster.start(5)
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    const ends = await Promise.all([lives[0]!, back, late].map(({ peer }) => peer.finished))
    for (const { end, privacySpent, completedRounds } of ends) {
      expect(end).to.equal('privacy')
      expect(privacySpent).to.deep.equal(ends[0]!.privacySpent)
      expect(completedRounds).to.equal(ends[0]!.completedRounds)
    }
    // Over and over again: what the disk says is over.
    lives[0]!.kill()
    const again = await cluster.restart(1)
    await cluster.runUntil(() => again.peer.status().condition === 'finished')
    expect((await again.peer.finished).end).to.equal('privacy')
    await cluster.stop()
  })

  it('is over at once, and says why, if not even one round fits its epsilon', async () => {
    const cluster = privateCluster({ privacy: { ...noise, epsilon: 0.5 } })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    const { end, completedRounds, privacySpent, adapter } = await lives[0]!.peer.finished
    expect({ end, completedRounds, privacySpent }).to.deep.equal({
      end: 'privacy',
      completedRounds: 0,
      privacySpent: { epsilon: 0, delta: 1e-5 }
    })
    expect(adapter).to.deep.equal(cluster.run.initialAdapter)
    await cluster.stop()
  })

  it('moves the clip norm with the noised count of the unclipped, on every peer alike', async () => {
    const clipping = { kind: 'adaptive', min: 0.01, max: 100, countNoise: 0.1 }
    const privacy = { ...noise, noiseMultiplier: 0.2, epsilon: 10_000, clipping }
    const cluster = privateCluster({ rounds: 4, secureSum: { clipNorm: 50 }, privacy })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    const links = linksOf(lives[0]!)
    const { clipNorm } = await stateOf(lives[0]!, cluster, links.at(-1)!.stateHash)
    // Nobody's change is 50 long: with all unclipped it falls by e^-0.1 in each round, but for the noise.
    const settings = { targetFraction: 0.5, learningRate: 0.2, min: 0.01, max: 100 }
    let all = 50
    for (let round = 0; round < 4; round++) all = nextClipNorm(all, 1, settings)
    expect(clipNorm).to.be.within(all, 50)
    for (const life of lives) {
      expect((await stateOf(life, cluster, links.at(-1)!.stateHash)).clipNorm).to.equal(clipNorm)
    }
    await cluster.stop()
  })

  it('runs with exact discrete Gaussian noise, both factors in turns', async () => {
    const privacy = { mechanism: 'discrete-gaussian', sampler: 'exact', epsilon: 1000, noiseMultiplier: 0.5 }
    const cluster = privateCluster({ strategy: 'rolora', rounds: 2, privacy })
    const lives = await cluster.startAll()
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(linksOf(lives[0]!).map(({ kind }) => kind)).to.deep.equal(['result', 'result'])
    await cluster.stop()
  })
})

describe('noise that does not fit the ring', () => {
  it('is refused before a run begins, saying what would do', () => {
    const wide = layoutOf([
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', factor: 'A', shape: [1, 8] },
      {
        name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight',
        factor: 'B',
        shape: [5_000_000, 1]
      }
    ])
    const privacy = { mechanism: 'skellam', noiseMultiplier: 20 }
    const { manifest, crypto } = testRun(4, { strategy: 'ffa', privacy })
    const { sha256 } = manifest.model
    const open = () => createRunContext(manifest, sha256, wide, new Float32Array(wide.length), crypto)
    expect(open)
      .to.throw(/does not fit.*ring of 16 bits: too narrow.*What would do/s)
      .with.property('code', 'NOISE_DOES_NOT_FIT')
  })
})
