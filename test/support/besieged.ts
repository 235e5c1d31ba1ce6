/** A bootstrap and a small cohort that runs rounds, each a process, and hostile peers that come at them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { packageDir } from '../../node/platform/package-dir.ts'
import { toHex } from '../../protocols/hex.ts'
import { runId } from '../../protocols/run-manifest.ts'
import type { Program } from './program.ts'
import { ProgramNetwork } from './program-network.ts'

const NAMES = ['p1', 'p2', 'p3', 'p4']

/** Far more than any test takes: it ends by being killed. */
const ROUNDS = 1_000

export class Besieged {
  readonly network = new ProgramNetwork({ rounds: ROUNDS, founders: NAMES.length, steps: 4 })
  readonly peers = new Map<string, Program>()
  readonly #attackers: ChildProcess[] = []

  /** Bootstrap and peers, by name. */
  get victims(): Map<string, Program> {
    return this.peers
  }

  /** @param withCohort - false for a bootstrap alone */
  async start(withCohort = true): Promise<void> {
    await this.network.prepare(NAMES, NAMES[0]!)
    this.peers.set('bootstrap', await this.network.bootstrap('bootstrap', '--http', '0'))
    if (!withCohort) return
    for (const name of NAMES)
      this.peers.set(name, this.network.join(name, this.network.at('run.yaml'), '--verbose'))
    await Promise.all(NAMES.map(name => this.peers.get(name)!.waitFor('link')))
  }

  program(name: string): Program {
    return this.peers.get(name)!
  }

  addressOf(name: string): string {
    return (this.program(name).named('listening')[0]!['addresses'] as string[])[0]!
  }

  /** Attacks one victim from a process of its own. */
  attack(attack: string, victim: string): Attacker {
    const { manifest } = this.network
    const run = toHex(runId(manifest!, nodeCrypto().sha256))
    const program = join(packageDir(), 'test', 'support', 'hostile-peer.ts')
    const args = [program, attack, this.addressOf(victim), run, manifest!.model.sha256]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#attackers.push(child)
    return new Attacker(child)
  }

  /** The highest link that a peer has. */
  heightOf(name: string): number {
    return Math.max(
      0,
      ...this.program(name)
        .named('link')
        .map(({ height }) => Number(height))
    )
  }

  /** Resident memory now, in MiB. */
  residentMiB(name: string): number {
    const { pid } = JSON.parse(readFileSync(this.network.at(name, 'lock'), 'utf8')) as { pid: number }
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
    return Number(kib) / 1024
  }

  async close(): Promise<void> {
    for (const child of this.#attackers) child.kill('SIGKILL')
    await this.network.close()
  }
}

export class Attacker {
  readonly begun: Promise<void>
  /** When the attack is over, which for most is when the victim has cut it off. */
  readonly over: Promise<void>
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
    let text = ''
    const begun = Promise.withResolvers<void>()
    this.begun = begun.promise
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes('begins')) begun.resolve()
    })
    this.over = new Promise(resolve => child.on('close', () => resolve()))
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.over
  }
}
