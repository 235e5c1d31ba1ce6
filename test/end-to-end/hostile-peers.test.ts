import { expect } from 'chai'
import { Besieged } from '../support/besieged.ts'
import { runMain } from '../support/cli.ts'

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
      const { stdout } = await runMain(
        ['bans', '--dir', siege.network.at('bootstrap'), '--json'],
        siege.network.at()
      )
      const bans = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      const [{ url }] = bootstrap.named('http') as unknown as [{ url: string }]
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).to.match(new RegExp(`^fedpeft_offences_total\\{reason="${reason}"\\} [1-9]`, 'm'))
      expect(bans.find(({ subject }) => subject === peer)).to.include({ reason, by: 'automatic', times: 1 })
    })
  }
})
