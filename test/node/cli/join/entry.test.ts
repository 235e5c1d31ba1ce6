import { type AddressInfo, createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { type Entry, enterNetwork } from '../../../../node/cli/join/entry.ts'
import { createOutput } from '../../../../node/cli/output.ts'
import { temporaryIdentity } from '../../../../node/platform/identity.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
/** Nothing listens at port 9 (discard). */
const NOBODY = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWLXjcTVxhyAu7diM89nLkbVeoyzoeTcUMQHDZqZj6HUah'

/** It returns as soon as somebody is reached. */
const PATIENT_MS = 10_000

describe('entering the network', () => {
  const opened: Entry[] = []
  afterEach(async () => void (await Promise.all(opened.splice(0).map(entry => entry.close()))))

  async function enter(
    addresses: string[],
    knownPeers: string[] = [],
    signal = new AbortController().signal,
    reachMs = 300
  ) {
    const stderr = new PassThrough()
    const output = createOutput({ stdout: new PassThrough(), stderr }, false)
    const identity = await temporaryIdentity()
    const options = { identity, listen: [LOOPBACK], addresses, knownPeers, reachMs }
    const entry = await enterNetwork(options, { output, signal })
    opened.push(entry)
    return { entry, words: String(stderr.read() ?? '') }
  }

  it('needs nobody for the first peer', async () => {
    const { entry } = await enter([])
    expect(entry.network.peers()).to.deep.equal([])
    expect(entry.network.addresses()).to.have.length(1)
  })

  it('is connected when it returns, even if some addresses are dead', async () => {
    const { entry: first } = await enter([])
    const { entry } = await enter([NOBODY, first.network.addresses()[0]!], [], undefined, PATIENT_MS)
    expect(entry.network.peers()).to.deep.equal([first.network.peerId])
  })

  it('gives up on dead addresses, naming each with its cause and what to check', async () => {
    const error = await enter([NOBODY]).catch((caught: unknown) => caught)
    expect(error).to.include({ name: 'NetworkError', code: 'UNREACHABLE' })
    const { message } = error as Error
    expect(message)
      .to.contain(NOBODY)
      .and.contain('nothing listens there')
      .and.contain('fedpeft-node bootstrap')
  })

  it('says so when another peer answers at an address', async () => {
    const { entry: first } = await enter([])
    const [there] = first.network.addresses() as [string]
    const wrong = NOBODY.replace('/tcp/9/', there.slice(there.indexOf('/tcp/'), there.indexOf('p2p')))
    const error = await enter([wrong]).catch((caught: unknown) => caught)
    expect((error as Error).message).to.contain('another peer answers there')
  })

  it('says what it may be when the connection is cut as soon as it is made', async () => {
    const server = createServer(socket => socket.once('data', () => socket.resetAndDestroy()))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const there = NOBODY.replace('/9/', `/${port}/`)
      const error = await enter([there], [], undefined, 1_000).catch((caught: unknown) => caught)
      expect((error as Error).message)
        .to.contain('--network-key')
        .and.contain('no peer of fedpeft')
    } finally {
      server.close()
    }
  })

  it('goes on with a warning where it knows peers from before, who may come back', async () => {
    const { entry, words } = await enter([NOBODY], [NOBODY.replace('/9/', '/19/')])
    expect(entry.network.peers()).to.deep.equal([])
    expect(words).to.contain('nobody can be reached now')
  })

  it('reaches a peer from before although the address given is dead', async () => {
    const { entry: before } = await enter([])
    const { entry, words } = await enter([NOBODY], [before.network.addresses()[0]!], undefined, PATIENT_MS)
    expect(entry.network.peers()).to.deep.equal([before.network.peerId])
    expect(words).to.equal('')
  })

  it('stops at Ctrl-C', async () => {
    const controller = new AbortController()
    const reason = new Error('stopped')
    controller.abort(reason)
    expect(await enter([NOBODY], [], controller.signal).catch((caught: unknown) => caught)).to.equal(reason)
  })
})
