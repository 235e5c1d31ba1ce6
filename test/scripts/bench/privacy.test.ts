import { expect } from 'chai'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { parseManifest } from '../../../protocols/run-manifest.ts'
import { privateRun } from '../../../scripts/bench/privacy/private-run.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { testInitialAdapter, testLayout } from '../../support/chains.ts'
import { leastManifest } from '../../support/manifests.ts'
import { vectorTrainer, vectorTraining } from '../../support/vector-trainer.ts'

describe('the benchmark of privacy', () => {
  const initial = testInitialAdapter(testLayout)
  const clock = new VirtualClock(0)
  const trainers = [1, 2, 3, 4].map(number => ({
    ...vectorTrainer({ layout: testLayout, initial, baseModelSha256: 'ab'.repeat(32), number, clock }),
    train: async (job: Parameters<typeof vectorTraining>[0]) => vectorTraining(job, testLayout, number),
    // How far the adapter has been moved.
    evaluate: async ({ adapter }: { readonly adapter: Float32Array | null }) => {
      const moved = Math.hypot(...adapter!.map((x, i) => x - initial[i]!))
      return { nats: 0, tokens: 1, bytes: 1, bitsPerByte: moved, seconds: null }
    }
  }))
  const run = (privacy: Record<string, unknown>) => {
    const manifest = parseManifest({
      ...leastManifest,
      strategy: 'ffa',
      rounds: 3,
      secureSum: { clipNorm: 0.5, maxWeight: 1 },
      privacy
    })
    return privateRun(manifest, trainers, nodeCrypto())
  }

  it('runs the rounds of a peer, with noise and without, and charges them', async () => {
    const plain = await run({})
    expect(plain.epsilon).to.equal(null)
    // Three rounds of at most the clip norm.
    expect(plain.heldOut).to.be.within(0.3, 1.5)
    expect(plain.medianNorm).to.be.above(0.5)
    const faint = await run({ mechanism: 'skellam', noiseMultiplier: 0.01, epsilon: 1e4 })
    expect(faint.heldOut).to.be.closeTo(plain.heldOut, 0.2)
    const noised = await run({ mechanism: 'skellam', noiseMultiplier: 2, epsilon: 100 })
    expect(noised.epsilon).to.be.within(3, 6)
    // The noise on the mean of four, of which two are counted on: 2 sqrt(100 / 8) clip norms in each round.
    expect(noised.heldOut / (2 * Math.sqrt(100 / 8) * 0.5 * Math.sqrt(3))).to.be.within(0.6, 1.4)
  })
})
