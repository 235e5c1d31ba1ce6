/** Learning through privacy noise: 64 clients, 384 coordinates, the embedded model; what the README of the noise promises. */
import { expect } from 'chai'
import { openBaseModel, openRunTrainers } from '../../node/cli/open-trainer.ts'
import { withLeastNoise } from '../../node/cli/privacy-options.ts'
import { localModel } from '../../node/cli/resolve-model.ts'
import { openClients } from '../../node/cli/sim/clients.ts'
import { adapterOf } from '../../node/peft/adapter-of.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { privateRun } from '../../scripts/bench/privacy/private-run.ts'
import { heldOutOf } from '../../sim/baselines.ts'
import { parseScenario, scenarioManifest } from '../../sim/scenario.ts'

const PEERS = 64

describe('a run with privacy noise', function () {
  this.timeout(1_800_000)

  it('still learns with ffa, rank 1, 384 coordinates and 64 clients, at epsilon 10', async () => {
    const base = await openBaseModel(localModel('embedded'))
    const clients = await openClients('sotu', PEERS, base.tokenizer, 96)
    const scenario = parseScenario({
      peers: PEERS,
      rounds: 3,
      manifest: {
        strategy: 'ffa',
        adapter: { kind: 'lora', rank: 1, alpha: 16, targetModules: ['o_proj'] },
        training: { steps: 6, learningRate: 0.02, schedule: 'constant' },
        secureSum: { clipNorm: 0.2 },
        privacy: { mechanism: 'skellam', epsilon: 10, delta: 1e-5 }
      }
    })
    const author = peerIdOf(new Uint8Array(32).fill(7))
    const written = scenarioManifest(scenario, author, { source: base.name, sha256: base.sha256 })
    const { seed: _, ...settings } = written.adapter
    const { layout } = adapterOf(base.config, settings)
    const manifest = withLeastNoise(written, layout)
    const pool = openRunTrainers(manifest, base, { trainers: 2 })
    try {
      const trainers = clients.map(({ shard }) => pool.open(shard))
      const before = await heldOutOf(trainers, null)
      const { heldOut, epsilon } = await privateRun(manifest, trainers, nodeCrypto())
      const baseHeldOut = before.reduce((sum, x) => sum + x, 0) / PEERS
      expect(epsilon).to.be.within(9.9, 10)
      expect(heldOut, `held-out bits per byte, base ${baseHeldOut}`).to.be.below(0.999 * baseHeldOut)
    } finally {
      await pool.close()
    }
  })
})
