import { expect } from 'chai'
import { carriesBodies, relayServer } from '../../../../node/platform/net/relay-server.ts'

/** As the two ends of a relayed connection are told it. */
function allowedBy(bodies: boolean): bigint {
  const { reservations } = relayServer(bodies)
  return (reservations as { readonly defaultDataLimit: bigint }).defaultDataLimit
}

describe('a relay', () => {
  it('lets bodies through only where its operator says so, and the two ends know it by what it allows', () => {
    expect(carriesBodies({ limits: { bytes: allowedBy(false) } })).to.equal(false)
    expect(carriesBodies({ limits: { bytes: allowedBy(true) } })).to.equal(true)
    // Nobody moves as much before the time of a connection is over.
    const used = BigInt(30 * 60) * BigInt(100 * 2 ** 20)
    expect(carriesBodies({ limits: { bytes: allowedBy(true) - used } })).to.equal(true)
  })

  it('is no matter for a straight connection', () => {
    expect(carriesBodies({})).to.equal(true)
  })
})
