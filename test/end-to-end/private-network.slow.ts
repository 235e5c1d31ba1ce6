import { expect } from 'chai'
import { runHere } from '../support/cli-here.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { heightOf, idOf, untilHeight, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4']
const LATE = 'late'
const STRANGERS = ['other-key', 'no-key']

/** More than there is time for: the author ends the run. */
const ROUNDS = 500

/** A run in a private network, which those who lack its key try to get into while it runs. */
describe('a run behind a pre-shared key', function () {
  this.timeout(240_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: PEERS.length, steps: 20 })
  const withKey = (file: string): string[] => ['--network-key', network.at(file)]
  let bootstrap: Program
  let peers: Program[] = []
  let run: string

  before(async () => {
    await network.prepare([...PEERS, LATE, ...STRANGERS], PEERS[0]!)
    for (const file of ['ours.key', 'theirs.key']) {
      const { exitCode, stderr } = await runHere(['network-key', 'create', network.at(file)])
      expect(exitCode, stderr).to.equal(0)
    }
    bootstrap = await network.bootstrap('bootstrap', ...withKey('ours.key'))
    peers = PEERS.map(name => network.join(name, network.at('run.yaml'), ...withKey('ours.key')))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('turns away a wrong key and none, in words that say so, while its rounds go on', async () => {
    await untilHeight(peers, 1)
    run = String(peers[0]!.named('run')[0]!['run'])
    const strangers = [network.join('other-key', run, ...withKey('theirs.key')), network.join('no-key', run)]
    for (const stranger of strangers) {
      expect(await stranger.ended, stranger.name).to.equal(1)
      expect(stranger.stderr, stranger.stderr)
        .to.contain('nobody could be reached')
        .and.contain('network-key')
      expect(stranger.named('listening'), `${stranger.name} got in`).to.deep.equal([])
    }
    await untilHeight(peers, heightOf(peers[0]!)! + 2)
    expect(bootstrap.isRunning).to.equal(true)
  })

  it('takes in a late peer that has the key, and ends with one adapter', async () => {
    const late = network.join(LATE, run, ...withKey('ours.key'))
    const hasLate = ({ survivors }: ProgramEvent): boolean =>
      (survivors as string[]).length === PEERS.length + 1
    await peers[0]!.waitFor('link', {}, hasLate)
    const { exitCode, stderr } = await runHere(['run', 'end', '--run', run, '--dir', network.at(PEERS[0]!)])
    expect(exitCode, stderr).to.equal(0)
    const { completedRounds } = await late.waitFor('done')
    await untilOneEnd([...peers, late], Number(completedRounds))
    const ids = [...peers, late].map(idOf)
    const seen = peers.flatMap(program => program.named('link')).flatMap(link => link['members'] as string[])
    expect([...new Set(seen)].every(id => ids.includes(id))).to.equal(true)
  })
})
