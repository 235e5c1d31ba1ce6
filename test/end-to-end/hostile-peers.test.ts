import { expect } from 'chai'
import { Besieged } from '../support/besieged.ts'
import { jsonLines } from '../support/cli.ts'
import { runHere } from '../support/cli-here.ts'

/** The rest of what hostile peers do, against a cohort that runs rounds, is in hostile-peers.slow.ts. */
describe('a coordinator that is attacked', function () {
  this.timeout(120_000)
  const siege = new Besieged()
  before(() => siege.start(false))
  after(() => siege.close())

  for (const [attack, reason] of [
    ['oversized-frame-of-the-multiplexer', 'oversized-frame'],
    ['streams-that-stay-open', 'stream-quota']
  ] as const) {
    it(`cuts off whoever comes with ${attack}, and keeps its memory`, async () => {
      const bootstrap = siege.program('bootstrap')
      const attacker = siege.attack(attack, 'bootstrap')
      const { peer } = await bootstrap.waitFor('cut-off', { reason })
      await attacker.stop()
      expect(bootstrap.isRunning).to.equal(true)
      expect(siege.residentMiB('bootstrap')).to.be.below(500)
      const { stdout } = await runHere(['bans', '--dir', siege.network.at('bootstrap'), '--json'])
      const bans = jsonLines(stdout)
      const [{ url }] = bootstrap.named('http') as unknown as [{ url: string }]
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).to.match(new RegExp(`^fedpeft_offences_total\\{reason="${reason}"\\} [1-9]`, 'm'))
      expect(bans.find(({ subject }) => subject === peer)).to.include({ reason, by: 'automatic', times: 1 })
    })
  }

  it('is told by a person whom to keep out, while it runs and when it does not', async () => {
    const dir = siege.network.at('bootstrap')
    const bans = async (...args: string[]): Promise<Array<Record<string, unknown>>> => {
      const { exitCode, stdout, stderr } = await runHere([...args, '--dir', dir, '--json'])
      expect(exitCode, stderr).to.equal(0)
      return jsonLines(stdout)
    }
    const [banned] = await bans('ban', '198.51.100.0/24', '--for', '2d', '--reason', 'floods')
    expect(banned).to.include({
      event: 'banned',
      live: true,
      subject: '198.51.100.0/24',
      by: 'person',
      reason: 'floods'
    })
    expect(Date.parse(String(banned!['until'])) - Date.parse(String(banned!['since']))).to.equal(
      2 * 86_400_000
    )
    await siege.program('bootstrap').kill()
    const isIt = ({ subject }: Record<string, unknown>): boolean => subject === '198.51.100.0/24'
    expect((await bans('bans')).find(isIt)).to.include({ event: 'ban', by: 'person', reason: 'floods' })
    const [lifted] = await bans('unban', '198.51.100.0/24')
    expect(lifted).to.include({ event: 'unbanned', live: false, wasBanned: true })
    expect((await bans('bans')).find(isIt)).to.equal(undefined)
    const wrong = await runHere(['ban', 'somebody', '--dir', dir])
    expect(wrong.exitCode).to.equal(2)
    expect(wrong.stderr).to.include('12D3KooW').and.include('203.0.113.0/24')
  })
})
