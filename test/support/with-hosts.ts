import { whyNoHosts } from './host-commands.ts'
import { Hosts } from './hosts.ts'

/**
 * Gives the tests of a `describe` hosts of their own: `hosts()` from their first `before` on. Where the machine has none
 * to offer, every test of it is skipped, and the reason printed.
 */
export function withHosts(): () => Hosts {
  let hosts: Hosts | null = null
  before(function () {
    const why = whyNoHosts()
    if (why !== null) {
      console.log(`    SKIPPED, as these tests need hosts of their own: ${why}`)
      this.skip()
    }
    hosts = new Hosts()
  })
  after(() => hosts?.close())
  return () => {
    if (hosts === null) throw new RangeError('no hosts yet')
    return hosts
  }
}
