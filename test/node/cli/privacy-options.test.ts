/** The flags and words of privacy noise in the commands that make a manifest or take part in a run. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { SimOptions } from '../../../node/cli/sim/sim-options.ts'
import { scenarioOf } from '../../../node/cli/sim/sim-scenario.ts'
import { scratchFolder } from '../../support/cli.ts'
import { runHere } from '../../support/cli-here.ts'
import { writeModelFolder } from '../../support/model-folder.ts'

describe('privacy flags', () => {
  const scratch = scratchFolder()
  const at = (name: string) => join(scratch.path, name)
  before(() => writeModelFolder(at('model')))
  after(() => scratch.remove())

  const init = (name: string, ...flags: string[]) =>
    runHere(['init', at(name), '--model', at('model'), '--dir', at('author'), '--json', ...flags])
  const written = (name: string) => readFileSync(at(name), 'utf8')

  it('make init write the noise, its budget and its clipping, and say what it is worth with so few', async () => {
    const flags = ['--noise', '2', '--delta', '1e-6', '--clip', '0.5', '--adaptive-clipping']
    const { exitCode, stderr, events } = await init('noise.yaml', ...flags)
    expect(exitCode, stderr).to.equal(0)
    for (const line of [
      'mechanism: skellam',
      'noiseMultiplier: 2',
      'delta: 0.000001',
      'clipNorm: 0.5',
      'kind: adaptive',
      'maxWeight: 1'
    ])
      expect(written('noise.yaml')).to.contain(line)
    expect(stderr).to.match(/warning: 4 clients are fewer than 100: the noise on their mean is [\d.]+ times/)
    expect(events.at(-1))
      .to.have.property('privacy')
      .that.includes({ noiseMultiplier: 2, members: 4, colluders: 1 })
  })

  it('find the least noise with which all rounds fit an epsilon', async () => {
    const { events, exitCode, stderr } = await init('solved.yaml', '--epsilon', '4', '--rounds', '12')
    expect(exitCode, stderr).to.equal(0)
    const { privacy } = events.at(-1) as unknown as {
      privacy: { noiseMultiplier: number; epsilon: number; roundsAfforded: number; rounds: number }
    }
    expect(privacy).to.include({ rounds: 12, roundsAfforded: 12 })
    expect(privacy.epsilon).to.be.within(3.99, 4)
    expect(written('solved.yaml')).to.contain(`noiseMultiplier: ${privacy.noiseMultiplier}`)
    // A little less would not do, and the budget would end the run early.
    const less = String(privacy.noiseMultiplier * 0.99)
    const short = await init('short.yaml', '--epsilon', '4', '--rounds', '12', '--noise', less)
    expect(short.events.at(-1)).to.have.property('privacy').that.includes({ roundsAfforded: 11 })
    expect(short.stderr).to.contain('warning: the privacy budget ends the run after 11 of 12 rounds')
  })

  it('refuse what means nothing without noise, and noise that the ring has no room for', async () => {
    const idle = await init('idle.yaml', '--delta', '1e-6')
    expect(idle).to.have.property('exitCode', 2)
    expect(idle.stderr).to.contain('--delta says something only with noise')
    const drowned = await init('drowned.yaml', '--noise', '500')
    expect(drowned.exitCode).to.equal(2)
    expect(drowned.stderr).to.match(/noise of the run .* does not fit.*What would do: a noise multiplier of/s)
  })

  it('lay over the scenario of a simulation', async () => {
    const options = { noise: 3, clip: 0.2, out: '', external: 0, baselines: true } as SimOptions
    const { manifest } = await scenarioOf('presidents', options)
    expect(manifest).to.deep.include({
      privacy: { mechanism: 'skellam', noiseMultiplier: 3 },
      secureSum: { clipNorm: 0.2 }
    })
    writeFileSync(
      at('scenario.yaml'),
      'manifest: { privacy: { mechanism: discrete-gaussian, sampler: exact } }\n'
    )
    const laid = await scenarioOf(at('scenario.yaml'), { ...options, epsilon: 7 })
    expect(laid.manifest['privacy']).to.deep.equal({
      mechanism: 'skellam',
      sampler: 'exact',
      noiseMultiplier: 3,
      epsilon: 7
    })
  })

  it('let a dry run say the epsilon, what it is worth and what leaves', async () => {
    await init('dry.yaml', '--noise', '2', '--rounds', '3')
    writeFileSync(at('dry.yaml'), written('dry.yaml').replace('sequenceLength: 96', 'sequenceLength: 16'))
    await runHere(['init', '--sign', at('dry.yaml'), '--dir', at('author')])
    writeFileSync(at('text.txt'), 'The state of the union is strong. '.repeat(200))
    const args = ['--run', at('dry.yaml'), '--data', at('text.txt'), '--dir', at('me'), '--threads', '1']
    const { events, stderr, exitCode } = await runHere(['join', '--dry-run', '--json', ...args])
    expect(exitCode, stderr).to.equal(0)
    const done = events.at(-1) as unknown as { epsilon: number; leaves: string[] }
    expect(done.epsilon).to.be.within(3, 4.5)
    expect(stderr).to.match(/epsilon [\d.]+ at delta 0.00001 after all 3 rounds/)
    expect(stderr).to.contain('4 clients are fewer than 100')
    expect(done.leaves.join('\n')).to.contain('rounded, noised, and masked').and.not.contain('loss')
  })
})
