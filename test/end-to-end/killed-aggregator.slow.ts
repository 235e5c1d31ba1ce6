import { renameSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { runHere } from '../support/cli-here.ts'
import { preloaded } from '../support/preloaded.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import {
  expectEveryRound,
  expectNobodyExpelled,
  expectOneChain,
  idOf,
  untilOneEnd
} from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'

const FOUNDERS = ['author', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']

/** Far more than there are deaths to die: the author ends the run. */
const ROUNDS = 500

/**
 * The aggregator of a round kills itself, by SIGKILL, in the write that says which phase it is in: before it has done
 * anything there. It is started again on its folder, and takes part again before the next one dies.
 */
describe('a run whose aggregator is killed in every phase', function () {
  this.timeout(420_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: FOUNDERS.length, steps: 10 }, () =>
    preloaded(
      new URL('../support/kill-in-phase.ts', import.meta.url),
      () => ({ FEDPEFT_TEST_WARRANT: network.at('warrant') }),
      name => FOUNDERS.includes(name)
    )
  )
  const peers = new Map<string, Program>()
  const lives: Program[] = []
  let run: string

  function start(name: string, what: string): Program {
    const program = network.join(name, what, '--linger', '600')
    peers.set(name, program)
    lives.push(program)
    return program
  }

  before(async () => {
    await network.prepare(FOUNDERS, 'author')
    await network.bootstrap()
    for (const name of FOUNDERS) start(name, network.at('run.yaml'))
    await Promise.all(lives.map(program => program.waitFor('link', { height: 1 })))
    run = String(lives[0]!.named('run')[0]!['run'])
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  /** @returns the process that has died of it, and its last words */
  async function killIn(phase: string): Promise<readonly [Program, ProgramEvent]> {
    const deaths = [...peers.values()].map(async program => {
      expect(await program.ended, program.stderr).to.equal('SIGKILL')
      return program
    })
    writeFileSync(network.at('warrant.new'), phase)
    renameSync(network.at('warrant.new'), network.at('warrant'))
    const victim = await Promise.race(deaths)
    return [victim, victim.events.at(-1)!]
  }

  const phases = ['AdvertiseKeys', 'ShareKeys', 'LocalTraining', 'MaskedInputCollection']
  for (const phase of [...phases, 'ConsistencyCheck', 'Unmasking', 'ServerStep']) {
    it(`goes on after ${phase}`, async () => {
      const [victim, last] = await killIn(phase)
      expect(last).to.include({ event: 'phase', phase, aggregator: idOf(victim) })
      const { round, attempt } = last
      const others = [...peers.values()].filter(program => program !== victim)
      start(victim.name, run)
      // The round has its end: its result in this attempt, or a reason why there is another.
      const links = await Promise.all(others.map(program => program.waitFor('link', { round, attempt })))
      const ends = new Set(links.map(({ kind, reason = '' }) => `${kind} ${reason}`.trim()))
      expect([...ends]).to.have.length(1)
      const survivors = links[0]!['survivors'] as string[]
      const isBack = (link: ProgramEvent): boolean =>
        Number(link['height']) > Number(links[0]!['height']) &&
        (link['survivors'] as string[]).length === FOUNDERS.length
      const { height } = await others[0]!.waitFor('link', {}, isBack)
      const share = survivors.includes(idOf(victim)) ? 'with' : 'without'
      console.log(
        `      round ${round}: ${[...ends][0]}, ${share} its input; whole again at height ${height} (from ${links[0]!['height']})`
      )
    })
  }

  it('comes to one end, with one adapter', async () => {
    const { exitCode, stderr } = await runHere(['run', 'end', '--run', run, '--dir', network.at('author')])
    expect(exitCode, stderr).to.equal(0)
    const { completedRounds } = await peers.get('author')!.waitFor('done')
    await untilOneEnd([...peers.values()], Number(completedRounds))
    expectOneChain(lives)
    expectNobodyExpelled(lives)
    const restarts = expectEveryRound(lives, Number(completedRounds))
    console.log(`      ${completedRounds} rounds`, ...restarts.map(text => `\n      ${text}`))
  })
})
