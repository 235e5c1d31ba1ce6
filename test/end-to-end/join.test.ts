import { join } from 'node:path'
import { expect } from 'chai'
import { roundBytesEstimate } from '../../node/cli/join/round-cost.ts'
import { openBaseModel } from '../../node/cli/open-trainer.ts'
import { localModel } from '../../node/cli/resolve-model.ts'
import type { RoundBytes } from '../../node/peer/byte-account.ts'
import { adapterOf } from '../../node/peft/adapter-of.ts'
import { loraDefaults } from '../../node/peft/adapter-settings.ts'
import { loadAdapter, readAdapterConfig } from '../../node/peft/peft-files.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'
import { fromHex } from '../../protocols/hex.ts'
import { runHere } from '../support/cli-here.ts'
import { undocumented } from '../support/folder-document.ts'
import { folderConfig, writeModelFolder } from '../support/model-folder.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { tellsOneStory } from '../support/story.ts'

const AUTHOR = 'author'
const OTHERS = ['second', 'third', 'fourth']
const ROUNDS = 2

/** The way that the README shows: bootstrap, offer a run, look what is offered, take part by its id. */
describe('fedpeft-node join', function () {
  this.timeout(120_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: 4, steps: 4 })
  const peers: Program[] = []
  let run: string

  before(async () => {
    await network.prepare([AUTHOR, ...OTHERS], AUTHOR)
    await network.bootstrap()
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  const list = () => runHere(['join', network.address, '--json'])

  it('lists nothing where nothing is offered', async () => {
    const { exitCode, events, stderr } = await list()
    expect({ exitCode, events }).to.deep.equal({ exitCode: 0, events: [{ event: 'offered', runs: [] }] })
    expect(stderr).to.contain('No run is offered')
  })

  it('offers a run from its file, waits for members, and is listed', async () => {
    const author = network.join(AUTHOR, network.at('run.yaml'))
    peers.push(author)
    run = String((await author.waitFor('run'))['run'])
    await author.waitFor('waiting', { need: 4 })
    const { exitCode, events, stderr } = await list()
    expect(exitCode).to.equal(0)
    const runs = events[0]!['runs'] as Array<Record<string, unknown>>
    expect(runs).to.have.length(1)
    expect(runs[0]).to.include({ run, name: 'end to end', rounds: ROUNDS, members: null, admission: 'open' })
    expect(runs[0]!['author']).to.equal(network.manifest!.author)
    expect(stderr).to.contain(run.slice(0, 16)).and.to.contain('needs 4').and.to.contain('LoRA r 2')
  })

  it('stops at Ctrl-C with a word on how to go on, and goes on', async () => {
    const [author] = peers as [Program]
    author.signal('SIGINT')
    expect(await author.ended).to.equal(1)
    expect(author.stderr).to.contain('the same command goes on from here').and.contain('stopped by SIGINT')
    peers[0] = network.join(AUTHOR, network.at('run.yaml'))
    await peers[0].waitFor('waiting', { need: 4 })
    expect(peers[0].named('listening')[0]!['peer']).to.equal(author.named('listening')[0]!['peer'])
  })

  it('keeps a second process off the folder of the first', async () => {
    const second = network.join(AUTHOR, network.at('run.yaml'))
    expect(await second.ended).to.equal(1)
    expect(second.stderr)
      .to.contain(`${network.at(AUTHOR)} is in use by process`)
      .and.contain('--dir')
  })

  it('refuses a peer with another base model before it trains, naming both digests', async () => {
    writeModelFolder(network.at('other'), folderConfig, 9)
    const stranger = network.join('second', run.slice(0, 8), '--model', network.at('other'))
    expect(await stranger.ended).to.equal(2)
    const { sha256 } = await openBaseModel(localModel(network.at('other')))
    expect(stranger.stderr)
      .to.contain(network.manifest!.model.sha256)
      .and.contain(sha256)
      .and.contain('--model')
    expect(stranger.named('phase')).to.deep.equal([])
  })

  it('finds the run by the beginning of its id, trains it together, and ends with one state', async () => {
    for (const name of OTHERS) peers.push(network.join(name, run.slice(0, 8)))
    const ends = await Promise.all(peers.map(program => program.waitFor('done')))
    expect(new Set(ends.map(end => end['stateSha256'])).size).to.equal(1)
    expect(new Set(ends.map(end => end['linkSha256'])).size).to.equal(1)
    for (const end of ends) expect(end).to.include({ run, completedRounds: ROUNDS, height: ROUNDS })
    expect(peers[1]!.named('run')[0]).to.include({ source: 'network', run })
  })

  it('tells every step as JSON: phases, training, held inputs, links with their bytes, held-out text', () => {
    for (const program of peers) {
      const phases = program.named('phase').filter(({ round }) => round === 0)
      expect(phases.map(({ phase }) => phase)).to.include.members([
        'AdvertiseKeys',
        'ShareKeys',
        'LocalTraining'
      ])
      expect(phases.at(-1)).to.have.property('aggregator').that.is.a('string')
      expect(program.named('training').filter(({ round }) => round === 1)).to.have.length(4)
      expect(new Set(program.named('input-held').map(({ peer }) => peer)).size).to.be.at.least(3)
      const links = program.named('link')
      expect(links.map(({ kind, round, attempt }) => `${kind} ${round} ${attempt}`)).to.deep.equal([
        'result 0 0',
        'result 1 0'
      ])
      expect(bytesOf(links[0]!).maskedUpload.sent).to.be.above(0)
      const rounds = program.named('held-out').map(({ round }) => round)
      expect(rounds[0]).to.equal(null)
      expect(rounds.at(-1)).to.equal(ROUNDS - 1)
    }
  })

  it('pulls the masked inputs that a dry run foretells', () => {
    const { layout } = adapterOf(folderConfig, { ...loraDefaults, rank: 2 })
    const { maskedInputBytes } = roundBytesEstimate(network.manifest!, fromHex(run)!, layout, 4)
    for (const program of peers) {
      const { received } = bytesOf(program.named('link')[1]!).verification
      expect(received)
        .to.be.at.least(3 * maskedInputBytes)
        .and.below(5 * maskedInputBytes)
    }
  })

  it('leaves an adapter that loads, the same at every peer, and says how to talk to it', async () => {
    const loaded: string[] = []
    for (const program of peers) {
      const folder = String(program.named('done')[0]!['adapterDir'])
      const config = await readAdapterConfig(nodeFiles(folder), '')
      expect(config).to.deep.include({ baseModel: network.at('model') })
      expect(config.settings).to.include({ kind: 'lora', rank: 2 })
      const values = await loadAdapter(
        nodeFiles(folder),
        '',
        config,
        adapterOf(folderConfig, config.settings)
      )
      expect(values.some(value => value !== 0)).to.equal(true)
      loaded.push(Buffer.from(values.buffer).toString('hex'))
      expect(program.stderr).to.contain(`fedpeft-node chat --adapter ${folder}`)
    }
    expect(new Set(loaded).size).to.equal(1)
    const adapter = join(String(peers[0]!.named('done')[0]!['adapterDir']))
    const spoken = await runHere([
      'chat',
      '--adapter',
      adapter,
      '--prompt',
      'peace',
      '--tokens',
      '2',
      '--json'
    ])
    expect(spoken.exitCode, spoken.stderr).to.equal(0)
  })

  it('keeps nothing on the disk that docs/folder.md does not name, while it runs and after', async () => {
    for (const name of ['bootstrap', AUTHOR, ...OTHERS]) {
      const { strangers, seen } = undocumented(network.at(name))
      expect(strangers, name).to.deep.equal([])
      expect(seen, name).to.include.members(['identity.key', 'folder.json', 'lock'])
      if (name === 'bootstrap') continue
      expect(seen, name).to.include.members(['runs/<run>/chain.log', 'runs/<run>/states/<hash>.bin'])
    }
  })

  it('lists how far the run is and how many take part', async () => {
    const { events } = await list()
    expect((events[0]!['runs'] as unknown[])[0]).to.include({ run, members: 4, completedRounds: ROUNDS })
  })

  it('ends at once when it is started again after the end, with the same state', async () => {
    const [author] = peers as [Program]
    author.signal('SIGTERM')
    expect(await author.ended).to.equal(0)
    const again = network.join(AUTHOR, run.slice(0, 6), '--linger', '0')
    expect((await again.waitFor('done'))['stateSha256']).to.equal(author.named('done')[0]!['stateSha256'])
    expect(again.named('run')[0]).to.include({ source: 'folder' })
    expect(again.named('phase').map(({ phase }) => phase)).not.to.include('AdvertiseKeys')
    expect(await again.ended).to.equal(0)
  })
})

function bytesOf(link: ProgramEvent): RoundBytes {
  return link['bytes'] as RoundBytes
}
