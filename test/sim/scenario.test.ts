import { expect } from 'chai'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { SimError } from '../../sim/errors.ts'
import { parseScenario, scenarioManifest } from '../../sim/scenario.ts'

const author = peerIdOf(new Uint8Array(32).fill(7))
const digest = 'ab'.repeat(32)

describe('scenario', () => {
  it('has a default for every field', () => {
    const scenario = parseScenario({})
    expect(scenario).to.include({ peers: 8, rounds: 8, model: 'embedded', data: 'sotu' })
    const manifest = scenarioManifest(scenario, author, { source: scenario.model, sha256: digest })
    expect(manifest.cohort).to.deep.include({ founders: 8, size: 8 })
    expect(manifest.strategy).to.equal('rolora')
    expect(manifest.model.sha256).to.equal(digest)
  })

  it('lays the parts of the manifest that it names over the defaults', () => {
    const scenario = parseScenario({ peers: 5, manifest: { training: { steps: 3 }, strategy: 'ffa' } })
    const manifest = scenarioManifest(scenario, author, { source: scenario.model, sha256: digest })
    expect(manifest.training).to.include({ steps: 3, batchSize: 4, sequenceLength: 96 })
    expect(manifest.strategy).to.equal('ffa')
  })

  it('gives a run with noise a short clip norm, unless it names one, and a large one time', () => {
    const manifestOf = (given: Parameters<typeof parseScenario>[0]) =>
      scenarioManifest(parseScenario(given), author, { source: 'embedded', sha256: digest })
    const privacy = { mechanism: 'skellam' }
    expect(manifestOf({}).secureSum.clipNorm).to.equal(10)
    expect(manifestOf({ manifest: { privacy } }).secureSum).to.include({ clipNorm: 0.2, maxWeight: 1 })
    expect(manifestOf({ manifest: { privacy, secureSum: { clipNorm: 3 } } }).secureSum.clipNorm).to.equal(3)
    expect(manifestOf({ peers: 8 }).deadlines).to.include({ keysMs: 20_000, trainingMs: 300_000 })
    expect(manifestOf({ peers: 64 }).deadlines).to.include({ keysMs: 1_280_000, trainingMs: 2_400_000 })
  })

  it('has a tree of cohorts where its manifest says so, for more peers than a cohort takes', () => {
    const scenario = parseScenario({ peers: 100, manifest: { cohort: { larger: 'tree', size: 8 } } })
    const manifest = scenarioManifest(scenario, author, { source: scenario.model, sha256: digest })
    expect(manifest.cohort).to.include({ founders: 100, size: 8, larger: 'tree' })
    const one = parseScenario({ peers: 100 })
    expect(() => scenarioManifest(one, author, { source: one.model, sha256: digest })).to.throw(
      /more only with cohort.larger: tree/
    )
  })

  it('refuses unknown and impossible fields by name', () => {
    const refusal = (given: unknown): string => {
      try {
        parseScenario(given)
      } catch (error) {
        expect(error).to.be.instanceOf(SimError)
        return (error as SimError).message
      }
      return 'accepted'
    }
    expect(refusal({ peers: 2 })).to.contain('peers')
    expect(refusal({ pears: 8 })).to.contain('pears')
    expect(refusal({ baselines: { patience: 0 } })).to.contain('baselines.patience')
  })
})
