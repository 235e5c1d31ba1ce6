import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import { jsonLines } from '../support/cli.ts'
import { runHere } from '../support/cli-here.ts'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'

/** What an operator sees of a coordinator and of a peer that waits for others. */
describe('a live network, looked at', function () {
  this.timeout(60_000)
  const network = new ProgramNetwork({ rounds: 1, founders: 4, steps: 1 })
  let bootstrap: Program
  let peer: Program
  let urls: Record<'bootstrap' | 'peer', string>

  before(async () => {
    await network.prepare(['author'], 'author')
    const logFile = network.at('bootstrap.log')
    bootstrap = await network.bootstrap('bootstrap', '--http', '0', '--log-file', logFile)
    peer = network.join('author', network.at('run.yaml'), '--http', '127.0.0.1:0', '--log-level', 'debug')
    await Promise.all([bootstrap.waitFor('run-offered'), peer.waitFor('waiting')])
    urls = { bootstrap: urlOf(bootstrap), peer: urlOf(peer) }
  })
  after(() => network.close())

  it('has a status of the peer: who it waits for, where it listens, what it has sent', async () => {
    const { exitCode, events } = await runHere(['status', '--dir', network.at('author'), '--json'])
    expect(exitCode).to.equal(0)
    const [report] = events
    expect(report).to.include({
      event: 'status',
      kind: 'peer',
      condition: 'running',
      phase: 'WaitingForMembers'
    })
    expect(report!['members']).to.have.length(1)
    expect(report!['run']).to.include({ name: 'end to end', rounds: 1, author: report!['peer'] })
    const { connections, addresses, bytes } = report!['network'] as Record<string, never>
    expect(connections).to.have.length(1)
    expect(connections[0]).to.include({ transport: 'tcp', relayed: false })
    expect(addresses[0]).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\//)
    expect(Object.keys(bytes['protocols'])).to.include('/fedpeft/runs/1')
    const words = await runHere(['status', '--dir', network.at('author')])
    expect(words.stdout)
      .to.match(/WaitingForMembers for \d+ s: 1 of 4 are here/)
      .and.contain('others can reach it at')
  })

  it('has a status of the coordinator: its peers, its runs', async () => {
    const { stdout } = await runHere(['status', '--dir', network.at('bootstrap')])
    expect(stdout).to.contain('"end to end"').and.contain('peers connected: 1;').and.contain('direct tcp')
  })

  it('says who is asked where nobody lives', async () => {
    const { exitCode, stderr } = await runHere(['status', '--dir', network.at('nobody')])
    expect(exitCode).to.equal(1)
    expect(stderr).to.contain('no fedpeft-node runs from').and.contain('--dir')
  })

  it('is healthy, and measured: libp2p’s metrics, ours, and those of the process', async () => {
    for (const url of Object.values(urls)) {
      const health = await fetch(`${url}/healthz`)
      expect([health.status, await health.json()]).to.deep.equal([200, { status: 'ok', problems: [] }])
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).to.match(/^fedpeft_peers_connected\{transport="tcp"\} 1$/m)
      expect(metrics).to.match(
        /^fedpeft_wire_bytes_total\{protocol="\/fedpeft\/runs\/1",direction="sent"\} [1-9]/m
      )
      expect(metrics).to.match(/^libp2p_data_transfer_bytes_total\{protocol="global sent"\} [1-9]/m)
      expect(metrics).to.match(/^nodejs_eventloop_lag_p99_seconds /m)
      expect(metrics).to.match(/^process_resident_memory_bytes [1-9]/m)
      expect(await (await fetch(`${url}/`)).text()).to.contain('<!doctype html>')
    }
  })

  it('logs JSON lines beside the words', () => {
    const lines = jsonLines(readFileSync(network.at('bootstrap.log'), 'utf8'))
    expect(lines.map(({ msg }) => msg)).to.include.members(['listening', 'peer came', 'run offered'])
    for (const line of lines) expect(line).to.include.keys('time', 'level', 'msg', 'peer')
    const logged = peer.stderr.split('\n').filter(line => line.startsWith('{'))
    expect(logged.map(line => JSON.parse(line).msg)).to.include.members(['listening', 'waiting for members'])
  })

  it('stops cleanly at SIGTERM, within two seconds on an idle machine, and leaves no socket and no lock', async () => {
    for (const program of [bootstrap, peer]) program.signal('SIGTERM')
    expect(await Promise.all([bootstrap.ended, peer.ended])).to.deep.equal([0, 1])
    for (const name of ['bootstrap', 'author']) {
      const left = await readdir(network.at(name))
      expect(left.filter(file => /sock|lock|cont-/.test(file))).to.deep.equal([])
    }
  })
})

function urlOf(program: Program): string {
  return String(program.named('http')[0]!['url'])
}
