import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { type Entry, enterNetwork } from '../../../node/cli/join/entry.ts'
import { createOutput } from '../../../node/cli/output.ts'
import { runCli } from '../../../node/cli/run-cli.ts'
import { temporaryIdentity } from '../../../node/platform/identity.ts'
import { peerIdOf } from '../../../protocols/peer-id.ts'
import { parseManifest } from '../../../protocols/run-manifest.ts'
import { encodeSignedManifest, signManifest } from '../../../protocols/signed-manifest.ts'
import { scratchFolder } from '../../support/cli.ts'
import { leastManifest } from '../../support/manifests.ts'

interface Line {
  readonly event: string
  readonly [field: string]: unknown
}

/** The command within this process, line by line. */
class Bootstrap {
  readonly words = new PassThrough()
  readonly ended: Promise<number>
  readonly #stop = new AbortController()
  readonly #lines: AsyncIterator<string>

  constructor(dir: string, ...flags: string[]) {
    const stdout = new PassThrough()
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
    const args = ['bootstrap', '--json', '--dir', dir, ...flags]
    const init = { version: '1.2.3', stdout, stderr: this.words, signal: this.#stop.signal }
    this.ended = runCli(args, init)
  }

  /** Skips lines until one of that name. */
  async next(event: string): Promise<Line> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`it ended before ${event}`)
      const line = JSON.parse(value) as Line
      if (line.event === event) return line
    }
  }

  stop(): void {
    this.#stop.abort()
  }
}

describe('bootstrap', () => {
  const scratch = scratchFolder()
  const dir = join(scratch.path, 'bootstrap')
  const running: Bootstrap[] = []
  const entries: Entry[] = []

  function start(...flags: string[]): Bootstrap {
    const bootstrap = new Bootstrap(dir, ...flags)
    running.push(bootstrap)
    return bootstrap
  }

  async function enter(address: string): Promise<Entry> {
    const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough() }, false)
    const identity = await temporaryIdentity()
    const options = { identity, listen: [], addresses: [address], knownPeers: [] }
    const entry = await enterNetwork(options, { output, signal: new AbortController().signal })
    entries.push(entry)
    return entry
  }

  afterEach(async () => {
    await Promise.all(entries.splice(0).map(entry => entry.close()))
    for (const bootstrap of running) bootstrap.stop()
    await Promise.all(running.splice(0).map(({ ended }) => ended))
  })
  after(() => scratch.remove())

  it('begins with the whole address to join, tells who comes and goes and which runs are offered', async () => {
    const bootstrap = start('--listen', '/ip4/127.0.0.1/tcp/0')
    const { addresses, peer } = await bootstrap.next('listening')
    const [address] = addresses as [string]
    expect(address)
      .to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW\w+$/)
      .and.contain(peer)
    expect(String(bootstrap.words.read()).startsWith(`${address}\n`)).to.equal(true)

    const entry = await enter(address)
    expect(await bootstrap.next('peer-came')).to.include({ peer: entry.network.peerId, peers: 1 })
    const identity = await temporaryIdentity()
    const manifest = parseManifest({ ...leastManifest, author: peerIdOf(identity.publicKey) })
    const { run } = entry.registry.offer(encodeSignedManifest(signManifest(manifest, identity)))
    const offered = await bootstrap.next('run-offered')
    expect(offered).to.include({ run, name: manifest.name, author: manifest.author, rounds: manifest.rounds })

    await entry.close()
    expect(await bootstrap.next('peer-went')).to.include({ peer: entry.network.peerId, peers: 0 })
    bootstrap.stop()
    await bootstrap.next('done')
    expect(await bootstrap.ended).to.equal(0)
  })

  it('keeps its identity, so that its address stays good', async () => {
    const ids: unknown[] = []
    for (let i = 0; i < 2; i++) {
      const bootstrap = start('--listen', '/ip4/127.0.0.1/tcp/0')
      ids.push((await bootstrap.next('listening'))['peer'])
      bootstrap.stop()
      expect(await bootstrap.ended).to.equal(0)
    }
    expect(ids[0]).to.equal(ids[1])
  })

  it('listens on every address of the machine with --port', async () => {
    const bootstrap = start('--port', '0')
    const { addresses } = await bootstrap.next('listening')
    expect(addresses as string[]).to.satisfy((all: string[]) =>
      all.some(one => one.startsWith('/ip4/127.0.0.1/tcp/'))
    )
    await enter((addresses as string[])[0]!)
    await bootstrap.next('peer-came')
  })
})
