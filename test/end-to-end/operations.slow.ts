import { expect } from 'chai'
import { runHere } from '../support/cli-here.ts'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { tellsOneStory } from '../support/story.ts'

const PEERS = ['author', 'second', 'third', 'fourth']
const ROUNDS = 3

/** A run from its first round to a peer that comes when everyone else is gone, as an operator sees it. */
describe('a run, looked at', function () {
  this.timeout(180_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: 4, steps: 40 })
  const peers: Program[] = []
  let coordinator: Program
  let run: string

  const statusOf = async (name: string): Promise<Record<string, never>> => {
    const { exitCode, events, stderr } = await runHere(['status', '--dir', network.at(name), '--json'])
    expect(exitCode, stderr).to.equal(0)
    return events[0] as Record<string, never>
  }
  const metricsOf = async (program: Program): Promise<string> =>
    (await fetch(`${program.named('http')[0]!['url']}/metrics`)).text()
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      if (await holds()) return
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    expect.fail(`${what} did not come`)
  }

  /** All rounds, with the state after the last. */
  const isKept = async (name: string): Promise<boolean> => {
    const [listed] = (await statusOf(name))['runs'] as Array<{ cached: Record<string, unknown> | null }>
    return listed?.cached?.['whole'] === true && listed.cached['completedRounds'] === ROUNDS
  }

  before(async () => {
    await network.prepare([...PEERS, 'late'], 'author')
    coordinator = await network.bootstrap('bootstrap', '--http', '0')
    const author = network.join('author', network.at('run.yaml'), '--http', '0')
    peers.push(author)
    run = String((await author.waitFor('run'))['run'])
    for (const name of PEERS.slice(1)) peers.push(network.join(name, run))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('shows the phase with its deadline, and what every member has said in this attempt', async () => {
    await peers[0]!.waitFor('phase', { phase: 'LocalTraining' })
    const report = await statusOf('author')
    expect(report).to.include({ condition: 'running', paused: null, end: null })
    expect(report['members']).to.have.length(4)
    expect(report['deadline']).to.match(/^\d{4}-/)
    for (const { self, connection, keys } of report['members'] as Array<Record<string, unknown>>) {
      expect(keys).to.equal(true)
      if (!self) expect(connection).to.equal('direct')
    }
    const inputs = async (): Promise<unknown[]> =>
      ((await statusOf('author'))['members'] as Array<Record<string, unknown>>).map(({ input }) => input)
    await until('a held input', async () => (await inputs()).includes('held'))
    expect(await metricsOf(peers[0]!)).to.match(/^fedpeft_members\{state="connected"\} 4$/m)
  })

  it('says who is missing from a run that waits, and that it is stopped cleanly in the middle of a round', async () => {
    await peers[0]!.waitFor('link')
    for (const program of peers.slice(2)) program.signal('SIGTERM')
    expect(await Promise.all(peers.slice(2).map(({ ended }) => ended))).to.deep.equal([1, 1])
    const gone = peers.slice(2).map(program => program.named('listening')[0]!['peer'])
    await until('the missing', async () => {
      const { missing } = await statusOf('author')
      return gone.every(peer => (missing as unknown[]).includes(peer))
    })
    const { stdout } = await runHere(['status', '--dir', network.at('author')])
    for (const peer of gone) expect(stdout).to.contain(`waiting for ${peer}`)
    for (const name of PEERS.slice(2)) peers[PEERS.indexOf(name)] = network.join(name, run)
  })

  it('counts rounds in /metrics, and the coordinator keeps the chain and the newest state', async () => {
    await Promise.all(peers.map(program => program.waitFor('done')))
    const metrics = await metricsOf(peers[0]!)
    const rounds = /^fedpeft_rounds_total\{kind="result"\} (\d+)$/m.exec(metrics)?.[1]
    expect(Number(rounds)).to.equal(ROUNDS)
    expect(metrics).to.match(/^fedpeft_bytes_total\{purpose="maskedUpload",direction="sent"\} [1-9]/m)
    await until('the cache', () => isKept('bootstrap'))
    expect(await metricsOf(coordinator)).to.contain('fedpeft_cached_runs{state="whole"} 1\n')
  })

  it('is had by a newcomer from a second coordinator, when all peers and the first coordinator are gone', async () => {
    const [expected] = peers[0]!.named('done').map(done => done['stateSha256'])
    const second = await network.bootstrap('second-bootstrap', '--peer', network.address)
    await second.waitFor('run-offered', { run })
    await Promise.all(peers.map(program => program.kill()))
    await until('the second cache', () => isKept('second-bootstrap'))
    await coordinator.kill()
    const late = network.join('late', run.slice(0, 12))
    expect((await late.waitFor('done'))['stateSha256']).to.equal(expected)
    expect(late.named('caught-up')[0]).to.include({ from: second.named('listening')[0]!['peer'] })
  })
})
