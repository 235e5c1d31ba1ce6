import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { MANIFEST_VERSION } from '../../protocols/manifest-version.ts'
import { otherMajorOf } from '../../protocols/protocol-major.ts'
import { topicOfRun } from '../../protocols/run-protocols.ts'
import { testDeadlines, testRun } from '../support/chains.ts'
import { runHere } from '../support/cli-here.ts'
import { RoundCluster } from '../support/round-cluster.ts'

/** The numbers of the fields that a protobuf message has. */
function fieldNumbers(bytes: Uint8Array): Set<number> {
  const found = new Set<number>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    found.add(Math.floor(key / 8))
    const wire = key % 8
    if (wire === 0) varint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else {
      const length = varint()
      at += length
    }
  }
  return found
}

describe('versions side by side', () => {
  for (const formatVersion of ['1.0', '1.2'])
    it(`a run of a manifest of format ${formatVersion} goes to its end with members of format ${MANIFEST_VERSION}`, () => {
      const run = testRun(4, { formatVersion, rounds: 2, deadlines: testDeadlines })
      const cluster = new RoundCluster(run, { seed: 1 }).start()
      expect(cluster.finish()).to.equal(true)
      expect(new Set(cluster.alive.map(({ stateHash }) => stateHash)).size).to.equal(1)
      // What older members would not know is left out, not only empty: they refuse bytes that they cannot write again.
      const since11 = (payload: Uint8Array) => [...fieldNumbers(payload)].filter(number => number >= 60)
      for (const message of cluster.wire)
        if (['registration', 'founding', 'tip'].includes(message.type))
          expect(since11(message.payload)).to.deep.equal([])
      for (const { type } of cluster.wire) expect(type).not.to.be.oneOf(['order', 'refusal'])
    })

  it('of another major version are told apart by their protocol ids', () => {
    expect(otherMajorOf(['/ipfs/id/1.0.0', '/fedpeft/peers/2', '/fedpeft/blob/2'])).to.equal(2)
    expect(otherMajorOf(['/fedpeft/peers/2', '/fedpeft/peers/1'])).to.equal(null)
    expect(otherMajorOf(['/ipfs/id/1.0.0', '/fedpeft/peers/x'])).to.equal(null)
    expect(topicOfRun(new Uint8Array(32))).to.match(/^fedpeft\/1\//)
  })

  it('a peer of another major version is named at once, with the command to upgrade', async () => {
    const other = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() }
    })
    try {
      await other.handle('/fedpeft/peers/2', () => {})
      const { exitCode, stderr } = await runHere(['join', String(other.getMultiaddrs()[0])])
      expect(exitCode).to.equal(1)
      expect(stderr)
        .to.contain("it speaks version 2 of fedpeft's protocols and this fedpeft-node version 1")
        .and.contain('npm install fedpeft@latest')
    } finally {
      await other.stop()
    }
  })
})
