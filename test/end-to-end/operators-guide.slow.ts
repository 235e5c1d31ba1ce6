import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { seededRandom } from '../../aggregation/random.ts'
import { packageDir } from '../../node/platform/package-dir.ts'
import { firstUnseen, guideSteps, type SeenBlock, type TypedBlock } from '../support/guide.ts'
import { GuideMachines } from '../support/guide-machines.ts'
import { whyNoHosts } from '../support/host-commands.ts'
import { Hosts } from '../support/hosts.ts'
import { tellsOneStory } from '../support/story.ts'

const GUIDE = 'docs/operators-guide.md'
const HOSPITALS = [1, 2, 3, 4, 5].map(n => `hospital-${n}`)
const MACHINES = ['bootstrap', ...HOSPITALS]
const PORTS = ['4001', '443', '9464']
/** A round that waits for somebody who is gone takes a minute or two. */
const PATIENCE_MS = 240_000

describe('the operator’s guide, typed in', function () {
  this.timeout(PATIENCE_MS + 60_000)
  const steps = guideSteps(readFileSync(join(packageDir(), GUIDE), 'utf8'))
  const terminal = new Map<string, string>()
  const typed = new Set<string>()
  let hosts: Hosts | null = null
  let machines: GuideMachines
  /** The last that was typed, and how long each log was then. */
  let last: TypedBlock
  const lengths = new Map<string, number>()
  let ports = new Map<string, string>()
  let name = 'boot.example.org'
  let address = '127.0.0.1'
  let peer4 = ''

  const close = async (): Promise<void> => {
    machines?.close(MACHINES)
    hosts?.close()
    hosts = null
  }

  before(async function () {
    for (const [tool, option] of [
      ['bash', '--version'],
      ['openssl', 'version'],
      ['curl', '--version']
    ] as const) {
      if (spawnSync(tool, [option]).status === 0) continue
      console.log(`    SKIPPED: the guide uses ${tool}, and this machine has none`)
      this.skip()
    }
    const why = whyNoHosts()
    if (why === null) {
      hosts = hostsOfTheGuide()
      address = hosts.addressOf('bootstrap')
    } else {
      console.log(`    on loopback, with no router and no firewall: ${why}`)
      name = 'localhost'
      ports = await freePorts()
    }
    machines = new GuideMachines(launcher)
    const random = seededRandom(5)
    const words = ['fever', 'the', 'patient', 'was', 'given', 'rest', 'and', 'water', 'of', 'after']
    for (const hospital of HOSPITALS) {
      const text = Array.from({ length: 3_000 }, () => words[random.nextUint32() % words.length]).join(' ')
      writeFileSync(machines.at(hospital, 'notes.txt'), text)
    }
    writeFileSync(machines.at('bootstrap', 'hosts'), `127.0.0.1 localhost\n${address} boot.example.org\n`)
  })
  after(close)
  tellsOneStory(close)

  function hostsOfTheGuide(): Hosts {
    const made = new Hosts()
    for (const host of ['bootstrap', 'hospital-1']) made.addPublic(host)
    made.addPrivateNetwork('clinic', ['hospital-2'])
    made.addPrivateNetwork('campus', ['hospital-3', 'hospital-4'])
    made.addPrivateNetwork('fortress', ['hospital-5'])
    made.firewall('hospital-5', [{ address: made.addressOf('bootstrap'), port: 443 }])
    return made
  }

  function launcher(machine: string): string[] {
    if (hosts === null) return []
    // Each has a mount namespace of its own already; this is how they look the bootstrap host up.
    const named = ['sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', machines.at('bootstrap', 'hosts')]
    return [...hosts.launcher(machine), ...named]
  }

  /** On one machine they would take each other's. */
  async function freePorts(): Promise<Map<string, string>> {
    const servers = ['4001', '443', 'bootstrap 9464', 'hospital-1 9464'].map(key => ({
      key,
      server: createServer().listen(0, '127.0.0.1')
    }))
    await Promise.all(servers.map(({ server }) => once(server, 'listening')))
    const free = servers.map(({ key, server }) => [key, `${(server.address() as AddressInfo).port}`] as const)
    await Promise.all(servers.map(({ server }) => once(server.close(), 'close')))
    return new Map(free)
  }

  /** What a reader puts in, and nothing else. */
  function filledIn(text: string, machine: string): string {
    const portHere = (port: string): string => ports.get(`${machine} ${port}`) ?? ports.get(port) ?? port
    return text
      .replaceAll('boot.example.org', name)
      .replaceAll('203.0.113.7', address)
      .replaceAll(new RegExp(`\\b(?:${PORTS.join('|')})\\b`, 'g'), portHere)
      .replaceAll('hospital-N', machine)
      .replaceAll('PEER-4', peer4)
  }

  function withAddresses(script: string): string {
    const printed = machines.read('bootstrap', 'bootstrap.log').split('\n')
    const [plain, secure] = [filledIn('/ip4/203.0.113.7/tcp/4001/', 'bootstrap'), `/dns4/${name}/`].map(
      start => printed.find(line => line.startsWith(start))
    )
    return script.replaceAll('WSS-ADDRESS', secure ?? 'none').replaceAll('ADDRESS', plain ?? 'none')
  }

  async function type(step: TypedBlock): Promise<void> {
    last = step
    for (const machine of MACHINES) {
      for (const file of ['fedpeft.log', 'bootstrap.log']) {
        const isNew = step.machines.includes(machine) && step.script.includes(`>${file}`)
        lengths.set(`${machine} ${file}`, isNew ? 0 : machines.read(machine, file).length)
      }
    }
    await Promise.all(step.machines.map(machine => typeOn(machine, step)))
  }

  async function typeOn(machine: string, step: TypedBlock): Promise<void> {
    terminal.set(machine, await machines.type(machine, withAddresses(filledIn(step.script, machine))))
    typed.add(`${step.line} ${machine}`)
    const peer = /^peer id (\S+)$/m.exec(terminal.get(machine)!)?.[1]
    if (machine === 'hospital-4' && peer !== undefined) peer4 = peer
  }

  async function see(step: SeenBlock): Promise<void> {
    const places = step.machines.length > 0 ? step.machines : last.machines
    await Promise.all(places.map(machine => seeOn(machine, step)))
  }

  async function seeOn(machine: string, { file, lines }: SeenBlock): Promise<void> {
    const wanted = lines.map(line => filledIn(line, machine))
    const isShownLater = file !== null || last.again
    for (const endMs = Date.now() + PATIENCE_MS; ; ) {
      const text =
        file === null
          ? terminal.get(machine)!
          : machines.read(machine, file).slice(lengths.get(`${machine} ${file}`))
      const unseen = firstUnseen(wanted, text)
      if (unseen === null) return
      if (!isShownLater || Date.now() > endMs)
        expect.fail(`on ${machine} nobody sees "${unseen}", but:\n${text}`)
      await delay(500)
      if (file === null) await typeOn(machine, last)
    }
  }

  for (const step of steps) {
    if (step.kind === 'type') {
      const title = step.script.split('\n')[0]!
      it(`line ${step.line}: on ${step.machines.join(', ')}: ${title}`, () => type(step))
    } else if (step.kind === 'see') {
      it(`line ${step.line}: shows "${step.lines[0]}"`, () => see(step))
    } else {
      const { file, from, to } = step
      it(`line ${step.line}: ${file} goes from ${from} to ${to.join(', ')}`, async () => {
        for (const machine of to) await copyFile(machines.at(from, file), machines.at(machine, file))
      })
    }
    if (step.kind === 'see' && step.lines.some(line => line.includes('peers connected: 5'))) {
      it('hospital 5 is behind its firewall, and there by WebSocket', function () {
        if (hosts === null) {
          console.log('      SKIPPED: on loopback there is no firewall')
          this.skip()
        }
        const status = terminal.get('bootstrap')!
        expect(status).to.match(new RegExp(`direct websocket .*${hosts!.addressOf('fortress')}`))
      })
    }
    if (step.kind === 'type' && step.script.startsWith('sha256sum')) {
      it('it is one adapter', () => {
        const sums = HOSPITALS.map(hospital => terminal.get(hospital)!.split(' ')[0]!)
        for (const sum of sums) expect(sum).to.match(/^[0-9a-f]{64}$/)
        expect(new Set(sums).size, sums.join()).to.equal(1)
      })
    }
    if (step.kind === 'type' && step.script.includes('fedpeft-node chat')) {
      it('the adapter answers, and not as the base model does', () => {
        const [, without, withAdapter] = terminal.get('hospital-5')!.split(/^--- with.*---$/m)
        for (const text of [without!, withAdapter!]) expect(text.length).to.be.above(20)
        expect(withAdapter!.split('\n')[1]).to.not.equal(without!.split('\n')[1])
      })
    }
  }

  it('every command of the guide was run', () => {
    const all = steps.flatMap(step =>
      step.kind === 'type' ? step.machines.map(machine => `${step.line} ${machine}`) : []
    )
    expect(all.length).to.be.above(40)
    expect([...typed].toSorted()).to.deep.equal(all.toSorted())
  })
})
