import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { leftovers } from './host-commands.ts'
import { withHosts } from './with-hosts.ts'

const PORT = 4001

/** Answers each caller with the address that it seems to come from. */
const ECHO = `require('net').createServer(s => s.end(s.remoteAddress)).listen(${PORT}, '0.0.0.0', () => console.log('up'))`

/** As in a dial: a word, or silence for this long. */
const CALL = (address: string): string => `
  const s = require('net').connect(${PORT}, '${address}').setTimeout(700)
  s.setEncoding('utf8').on('data', text => console.log(text)).on('end', () => process.exit())
  s.on('error', e => { console.log(e.code); process.exit() }).on('timeout', () => { console.log('silence'); process.exit() })`

describe('hosts', function () {
  this.timeout(20_000)
  const hosts = withHosts()
  const servers: Array<{ kill(): void }> = []

  before(async () => {
    for (const name of ['a', 'b']) hosts().addPublic(name)
    hosts().addPrivateNetwork('home', ['h1', 'h2'])
    hosts().addPrivateNetwork('office', ['o1'])
    await Promise.all(['a', 'b', 'h1', 'h2', 'o1'].map(serve))
  })
  after(() => {
    for (const server of servers) server.kill()
  })

  async function serve(host: string): Promise<void> {
    const server = run(host, ECHO)
    servers.push(server)
    await once(server.stdout!, 'data')
  }

  function run(host: string, code: string) {
    const [command, ...args] = [...hosts().launcher(host), process.execPath, '-e', code]
    return spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  async function call(from: string, to: string): Promise<string> {
    const caller = run(from, CALL(hosts().addressOf(to)))
    const [text] = await once(caller.stdout!, 'data')
    return String(text).trim()
  }

  it('reach each other in public, and from behind a router by its address', async () => {
    const at = (host: string): string => hosts().addressOf(host)
    expect(
      await Promise.all([call('a', 'b'), call('h1', 'a'), call('h1', 'h2'), call('o1', 'b')])
    ).to.deep.equal([at('a'), at('home'), at('h1'), at('office')])
  })

  it('are not reached behind a router that they have not opened', async () => {
    expect(await Promise.all([call('a', 'h1'), call('a', 'home'), call('h1', 'o1')])).to.deep.equal(
      new Array(3).fill('silence')
    )
  })

  it('are cut and healed by groups', async () => {
    hosts().partition(['a'], ['b', 'home'])
    expect(await Promise.all([call('a', 'b'), call('h1', 'a'), call('h1', 'b')])).to.deep.equal([
      'silence',
      'silence',
      hosts().addressOf('home')
    ])
    hosts().heal()
    expect(await call('a', 'b')).to.equal(hosts().addressOf('a'))
  })

  it('get another address while they run', async () => {
    const before = hosts().addressOf('b')
    const address = hosts().renumber('b')
    expect(address).not.to.equal(before)
    expect(await Promise.all([call('a', 'b'), call('b', 'a')])).to.deep.equal([
      hosts().addressOf('a'),
      address
    ])
    const router = hosts().renumber('home')
    expect(await call('h2', 'b')).to.equal(router)
  })

  it('get out to one port only behind a firewall', async () => {
    hosts().firewall('o1', [{ address: hosts().addressOf('a'), port: PORT }])
    expect(await Promise.all([call('o1', 'a'), call('o1', 'b')])).to.deep.equal([
      hosts().addressOf('office'),
      'silence'
    ])
  })

  it('leave nothing behind, even when their test has died', async () => {
    const code = `
      import { Hosts } from ${JSON.stringify(new URL('./hosts.ts', import.meta.url).href)}
      const hosts = new Hosts()
      hosts.addPrivateNetwork('home', ['h1'])
      console.log(process.pid)
      process.kill(process.pid, 'SIGKILL')`
    const dying = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const [pid] = await once(dying.stdout, 'data')
    await once(dying, 'close')
    const prefix = `fedpeft-${String(pid).trim()}-`
    expect(leftovers(prefix)).to.have.length(3)
    for (const remove of leftovers()) remove()
    expect(leftovers(prefix)).to.deep.equal([])
  })
})
