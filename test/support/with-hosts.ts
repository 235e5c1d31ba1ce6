import { whyNoHosts } from './host-commands.ts'
import { Hosts } from './hosts.ts'
import { skipBecause } from './skip.ts'

/**
 * Gives the tests of a `describe` hosts of their own: `hosts()` from their first `before` on. Where the machine has none
 * to offer, every test of it is skipped, and the reason printed.
 */
export function withHosts(): () => Hosts {
  let hosts: Hosts | null = null
  before(function () {
    const why = whyNoHosts()
    if (why !== null) skipBecause(this, `these tests need hosts of their own: ${why}`)
    hosts = new Hosts()
  })
  after(() => hosts?.close())
  return () => {
    if (hosts === null) throw new RangeError('no hosts yet')
    return hosts
  }
}
