import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Program } from '../support/program.ts'

/** Nine peers over loopback TCP, one of them a process of its own: two cohorts, a root, and real gossip topics. */
describe('a network of several cohorts, over libp2p', function () {
  this.timeout(300_000)
  const dir = mkdtempSync(join(tmpdir(), 'fedpeft-larger-'))
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

  it('comes to one state in every process, with everyone in every round', async () => {
    const short = ['--rounds', '2', '--steps', '2', '--no-baselines', '--out', 'run']
    const sim = start('sim', 'sim', '--peers', '9', '--cohort', '4', '--external', '1', ...short)
    const { address, run, data } = await sim.waitFor('outsider')
    const who = ['--run', String(run), '--data', String(data), '--dir', 'outsider']
    const outsider = start('outsider', 'join', String(address), ...who)
    expect(await sim.ended, sim.stderr).to.equal(0)
    const { stateSha256 } = await outsider.waitFor('finished')
    outsider.signal('SIGINT')
    await outsider.ended
    expect(sim.events.at(-1)).to.include({ event: 'done', peers: 9, completedRounds: 2, stateSha256 })
    for (const { survivors, cohort } of sim.named('round')) {
      expect(survivors).to.have.length(9)
      expect(cohort).to.have.length(4)
    }
    const placed = outsider.named('placed')
    expect(placed).to.have.length(2)
    for (const place of placed) expect(place).to.include({ leaves: 2, levels: 2 })
    expect(outsider.stderr).to.match(/cohort [12] of 2, in a tree of 2 levels/)
  })
})
