import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../aggregation/random.ts'
import { manifestYaml } from '../../node/cli/manifest-yaml.ts'
import { openBaseModel } from '../../node/cli/open-trainer.ts'
import { localModel } from '../../node/cli/resolve-model.ts'
import { openIdentity } from '../../node/platform/identity.ts'
import { toHex } from '../../protocols/hex.ts'
import { parseManifest, type RunManifest } from '../../protocols/run-manifest.ts'
import { signManifest } from '../../protocols/signed-manifest.ts'
import { scratchFolder } from './cli.ts'
import { writeModelFolder } from './model-folder.ts'
import { Program } from './program.ts'

/** Where each process runs, by name, and what it listens on. */
export interface Places {
  launcher(name: string): readonly string[]
  listen(name: string): readonly string[]
}

const LOOPBACK: Places = { launcher: () => [], listen: () => ['/ip4/127.0.0.1/tcp/0'] }

export interface NetworkSettings {
  /** Who may join; by default anybody. */
  readonly admission?: object
  readonly rounds: number
  readonly founders: number
  /** Local steps of a round: the longer, the easier a peer is caught at it. */
  readonly steps: number
  /** Instead of the usual ones. */
  readonly deadlines?: RunManifest['deadlines']
}

/** Short, so that a dead member costs little; far above what a busy machine needs for an answer. */
const DEADLINES = { keysMs: 10_000, trainingMs: 60_000, inputsMs: 20_000, unmaskingMs: 10_000, viewMs: 2_000 }

/** A bootstrap and peers as processes of their own, in a scratch folder, with a model that trains in no time. */
export class ProgramNetwork {
  readonly #scratch = scratchFolder()
  readonly #settings: NetworkSettings
  readonly #programs: Program[] = []
  readonly #places: () => Places
  readonly #addressOf = new Map<string, string>()
  manifest: RunManifest | null = null

  constructor(settings: NetworkSettings, places: () => Places = () => LOOPBACK) {
    this.#settings = settings
    this.#places = places
  }

  /** Of the first bootstrap, with its peer id. */
  get address(): string {
    return this.addresses[0]!
  }

  /** Of every bootstrap there was. */
  get addresses(): readonly string[] {
    return [...this.#addressOf.values()]
  }

  at(...parts: string[]): string {
    return join(this.#scratch.path, ...parts)
  }

  /** Model, one private text per peer, and a manifest signed by `author`. */
  async prepare(names: readonly string[], author: string): Promise<void> {
    writeModelFolder(this.at('model'))
    for (const [i, name] of names.entries()) this.writeText(name, i)
    const identity = await openIdentity(this.at(author))
    const { sha256 } = await openBaseModel(localModel(this.at('model')))
    const { rounds, founders, steps } = this.#settings
    this.manifest = parseManifest({
      name: 'end to end',
      author: identity.peerId,
      model: { source: this.at('model'), sha256 },
      adapter: { rank: 2 },
      training: { steps, batchSize: 1, sequenceLength: 16 },
      rounds,
      cohort: { founders, size: 16 },
      deadlines: this.#settings.deadlines ?? DEADLINES,
      strategy: 'fedit',
      ...(this.#settings.admission === undefined ? {} : { admission: this.#settings.admission })
    })
    const { signature } = signManifest(this.manifest, identity)
    writeFileSync(this.at('run.yaml'), manifestYaml(this.manifest, toHex(signature)))
  }

  writeText(name: string, seed: number): void {
    const random = seededRandom(seed)
    const words = ['peace', 'war', 'treasury', 'the', 'of', 'union', 'commerce', 'and', 'people', 'law']
    const text = Array.from({ length: 2_000 }, () => words[random.nextUint32() % words.length]).join(' ')
    writeFileSync(this.at(`${name}.txt`), text)
  }

  /** Starts a bootstrap, again on the port that it had before. */
  async bootstrap(name = 'bootstrap', ...more: string[]): Promise<Program> {
    const before = this.#addressOf.get(name)
    const listen =
      before === undefined ? this.#listenOf(name) : ['--listen', before.slice(0, before.indexOf('/p2p/'))]
    const args = ['bootstrap', '--dir', this.at(name), ...listen, ...more]
    const program = this.#start(name, args)
    await this.#listening(name, program)
    return program
  }

  /** Starts a peer through every bootstrap there was, with `--run FILE` if it is given and the run's id otherwise. */
  join(peer: string, run: string, ...more: string[]): Program {
    const own = ['--dir', this.at(peer), '--data', this.at(`${peer}.txt`), '--threads', '1', '--linger', '60']
    const listen = more.includes('--listen') ? [] : this.#listenOf(peer)
    const program = this.#start(peer, ['join', ...this.addresses, '--run', run, ...own, ...listen, ...more])
    return program
  }

  #listenOf(name: string): string[] {
    return this.#places()
      .listen(name)
      .flatMap(address => ['--listen', address])
  }

  #start(name: string, args: readonly string[]): Program {
    mkdirSync(this.#scratch.path, { recursive: true })
    const program = new Program(name, args, this.#scratch.path, this.#places().launcher(name))
    this.#programs.push(program)
    return program
  }

  async #listening(name: string, program: Program): Promise<void> {
    const { addresses } = await program.waitFor('listening')
    // Of a host it is not the one that only itself can use.
    const seen = (addresses as string[]).filter(address => address.includes('/tcp/'))
    this.#addressOf.set(name, seen.find(address => !address.startsWith('/ip4/127.')) ?? seen[0]!)
  }

  /** Ends every process and removes the folder, however far the test came. */
  async close(): Promise<void> {
    await Promise.all(this.#programs.map(program => program.kill()))
    this.#scratch.remove()
  }
}
