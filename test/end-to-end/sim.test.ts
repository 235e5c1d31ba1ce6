import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { spansOf } from '../../aggregation/adapter-layout.ts'
import { openBaseModel } from '../../node/cli/open-trainer.ts'
import { localModel } from '../../node/cli/resolve-model.ts'
import { adapterOf } from '../../node/peft/adapter-of.ts'
import { loadAdapter, readAdapterConfig } from '../../node/peft/peft-files.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'
import { Program } from '../support/program.ts'

/** The command itself, with the embedded model, kept short: what it learns is for `npm start` to show. */
describe('fedpeft-node sim', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'fedpeft-sim-'))
  const programs: Program[] = []
  const start = (name: string, ...args: string[]): Program => {
    const program = new Program(name, args, dir)
    programs.push(program)
    return program
  }
  after(async () => {
    await Promise.all(programs.map(program => program.kill()))
    rmSync(dir, { recursive: true, force: true })
  })

  it('gives a peer that is a process of its own the same links as the seven inside, five verifying for all', async () => {
    const short = ['--rounds', '2', '--steps', '2', '--no-baselines', '--out', 'run']
    const flags = ['--external', '1', '--verifiers', '5', ...short]
    const sim = start('sim', 'sim', ...flags)
    const { address, run, data } = await sim.waitFor('outsider')
    const who = ['--run', String(run), '--data', String(data), '--dir', 'outsider']
    const outsider = start('outsider', 'join', String(address), ...who)
    expect(await sim.ended, sim.stderr).to.equal(0)
    const { stateSha256 } = await outsider.waitFor('finished')
    outsider.signal('SIGINT')
    await outsider.ended

    const done = sim.events.at(-1)!
    expect(done).to.include({ event: 'done', peers: 8, rounds: 2, completedRounds: 2, stateSha256 })
    const links = (program: Program, event: string) =>
      program.named(event).map(({ height, linkSha256 }) => `${height} ${linkSha256}`)
    expect(links(sim, 'round')).to.have.length(2)
    expect(links(outsider, 'link')).to.deep.equal(links(sim, 'round'))
    for (const { survivors } of sim.named('round')) expect(survivors).to.have.length(8)
    expect(sim.stderr).to.match(
      /Of 8 peers 5 verified each round: such a peer received .*, each of the others /
    )
    // Both factors have been trained: B in the first round, A in the second.
    const base = await openBaseModel(localModel('embedded'))
    const config = await readAdapterConfig(nodeFiles(join(dir, 'run')), 'adapter')
    expect(config.settings).to.include({ kind: 'lora', rank: 8, alpha: 16 })
    const { layout } = adapterOf(base.config, config.settings)
    const adapter = await loadAdapter(nodeFiles(join(dir, 'run')), 'adapter', config, { layout })
    const [firstB] = spansOf(layout, ['B'])
    expect(adapter.subarray(firstB!.offset, firstB!.offset + firstB!.length).some(x => x !== 0)).to.equal(
      true
    )
  })

  it('keeps what it has at Ctrl-C, and goes on from there', async () => {
    mkdirSync(join(dir, 'texts'))
    for (const name of ['adams', 'grant', 'hoover', 'polk']) {
      const paragraphs = Array.from(
        { length: 100 },
        (_, i) => `Fellow citizens, this is word ${i} of ${name}.`
      )
      writeFileSync(join(dir, 'texts', `${name}.txt`), paragraphs.join('\n\n'))
    }
    const short = ['--rounds', '3', '--steps', '2', '--no-baselines']
    const flags = ['--peers', '4', '--data', 'texts', ...short, '--out', 'broken-off']
    const first = start('first', 'sim', ...flags)
    await first.waitFor('round', { round: 0 })
    first.signal('SIGINT')
    expect(await first.ended).to.equal(1)
    expect(first.stderr).to.contain('stopped by SIGINT')
    const second = start('second', 'sim', ...flags)
    expect(await second.ended, second.stderr).to.equal(0)
    const before = new Set(first.named('round').map(({ linkSha256 }) => linkSha256))
    expect(before).to.not.be.empty
    expect(second.named('round').every(({ linkSha256 }) => !before.has(linkSha256))).to.equal(true)
    expect(second.events.at(-1)).to.include({ event: 'done', completedRounds: 3 })
  })
})
