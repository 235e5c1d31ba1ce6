/** Whole peers over the simulated network, under virtual time: real keys, masks, disks and chains, pretended training. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { Random } from '../../aggregation/random.ts'
import type { Masking } from '../../node/peer/masking.ts'
import type { ShareableModel } from '../../node/peer/model-sharing.ts'
import type { Peer, PeerEvent } from '../../node/peer/peer-types.ts'
import { createPeer } from '../../node/peer.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../../protocols/hex.ts'
import type { LinkBody, Redemption } from '../../protocols/messages.js'
import type { Clock, Files, Network } from '../../protocols/ports.ts'
import type { TrafficRecorder } from '../../protocols/traffic.ts'
import { type MemoryFiles, memoryFiles } from '../../sim/memory-files.ts'
import { RememberedVerify } from '../../sim/remembered-verify.ts'
import { createSimWorld, type SimWorld, type SimWorldOptions } from '../../sim/sim-network.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { type TestMember, type TestRun, testMember, testRun } from './chains.ts'
import { type VectorTrainer, vectorTrainer } from './vector-trainer.ts'

export interface PeerClusterOptions {
  readonly founders: number
  readonly seed?: number
  readonly manifest?: Record<string, unknown>
  readonly world?: Partial<SimWorldOptions>
  readonly trainMs?: number
  /** Stochastic rounding of one peer's n-th input. */
  readonly rounding?: (number: number, count: number) => Random
  readonly recorder?: (peer: string) => TrafficRecorder
}

/** One start of one peer, up to its end. */
export interface PeerLife {
  readonly number: number
  readonly member: TestMember
  readonly peer: Peer
  readonly trainer: VectorTrainer
  readonly events: PeerEvent[]
  readonly logged: string[]
  readonly disk: MemoryFiles
  readonly network: Network
  /** The machine loses power: nothing of it runs, sends or writes from here on. */
  kill(): void
  readonly dead: boolean
}

export interface LifeOptions {
  readonly disk?: MemoryFiles
  /** Between the peer and its disk. */
  readonly files?: (disk: MemoryFiles, kill: () => void) => Files
  readonly baseModelSha256?: string
  /** What it shows to be let in. */
  readonly redemption?: Redemption
  readonly sharedModel?: ShareableModel
  /** Takes the place of createPeer. */
  readonly create?: typeof createPeer
  /** Takes the place of starting it. */
  readonly begin?: (peer: Peer) => Promise<void>
  /** Takes the place of the seeded one. */
  readonly crypto?: CryptoSuite
  /** For the noise of this life's n-th input. */
  readonly noise?: (count: number) => Random
  /** Takes the place of the additions on this thread. */
  readonly masking?: Masking
  /** Between the peer and the others: what a liar puts there. */
  readonly network?: (network: Network, member: TestMember) => Network
}

export class PeerCluster {
  readonly clock = new VirtualClock(1_000_000)
  readonly run: TestRun
  readonly world: SimWorld
  /** The latest life of each, by number. */
  readonly lives = new Map<number, PeerLife>()
  readonly #options: PeerClusterOptions
  readonly #verify = new RememberedVerify()
  readonly #born: PeerLife[] = []
  #births = 0

  constructor(options: PeerClusterOptions) {
    this.#options = options
    this.run = testRun(options.founders, {
      rounds: 2,
      deadlines: { keysMs: 10_000, trainingMs: 20_000, inputsMs: 10_000, unmaskingMs: 10_000, viewMs: 4_000 },
      ...options.manifest
    })
    this.world = createSimWorld({ clock: this.clock, seed: options.seed ?? 1, ...options.world })
  }

  /** Numbers begin at 1, the author's. */
  async start(number: number, options: LifeOptions = {}): Promise<PeerLife> {
    const { seed = 1, trainMs, rounding, recorder } = this.#options
    const member = testMember(number)
    const power = { on: true }
    const clock: Clock = {
      nowMs: () => this.clock.nowMs(),
      after: (delayMs, run) =>
        this.clock.after(delayMs, () => {
          if (power.on) run()
        })
    }
    const disk = options.disk ?? memoryFiles()
    const kill = (): void => {
      power.on = false
      this.world.kill(member.id)
    }
    const initial = this.run.initialAdapter
    const trainer = vectorTrainer({
      layout: this.run.layout,
      initial,
      baseModelSha256: options.baseModelSha256 ?? this.run.manifest.model.sha256,
      number,
      clock,
      ...(trainMs === undefined ? {} : { trainMs })
    })
    const logged: string[] = []
    let inputs = 0
    let noised = 0
    const { noise } = options
    const joined = this.world.join(member.id, recorder?.(member.id))
    const network = options.network?.(joined, member) ?? joined
    const peer = (options.create ?? createPeer)(
      {
        clock,
        crypto: this.#verify.of(options.crypto ?? seededCrypto(Uint8Array.of(seed, number, this.#births++))),
        signer: member.signer,
        network,
        files: powered(options.files?.(disk, kill) ?? disk, power),
        trainer,
        log: message => logged.push(message),
        ...(rounding === undefined ? {} : { rounding: () => rounding(number, inputs++) }),
        ...(options.masking === undefined ? {} : { masking: options.masking }),
        ...(noise === undefined ? {} : { noise: () => noise(noised++) })
      },
      {
        signedManifest: this.run.signed,
        examples: number,
        ...(options.redemption === undefined ? {} : { redemption: options.redemption }),
        ...(options.sharedModel === undefined ? {} : { sharedModel: options.sharedModel })
      }
    )
    const events: PeerEvent[] = []
    peer.on(event => events.push(event))
    const life: PeerLife = {
      number,
      member,
      peer,
      trainer,
      events,
      logged,
      disk,
      network,
      kill,
      get dead() {
        return !power.on
      }
    }
    this.lives.set(number, life)
    this.#born.push(life)
    await (options.begin ?? (peer => peer.start()))(peer)
    return life
  }

  async startAll(count = this.#options.founders): Promise<PeerLife[]> {
    return Promise.all(Array.from({ length: count }, (_, i) => this.start(i + 1)))
  }

  /** A killed peer comes back with what its disk held when the power went. */
  restart(number: number, options: LifeOptions = {}): Promise<PeerLife> {
    return this.start(number, { disk: this.lives.get(number)!.disk.copy(), ...options })
  }

  get living(): PeerLife[] {
    return [...this.lives.values()].filter(life => !life.dead)
  }

  /** Lets time pass until all living peers have finished. @returns false if that takes too long */
  runToEnd(limitMs = 600_000): Promise<boolean> {
    return this.clock.runUntil(
      () => this.living.every(({ peer }) => peer.status().condition === 'finished'),
      limitMs
    )
  }

  runUntil(done: () => boolean, limitMs = 600_000): Promise<boolean> {
    return this.clock.runUntil(done, limitMs)
  }

  /** The state hashes that the living peers stand at: one, if they agree. */
  stateHashes(): Set<string> {
    return new Set(this.living.map(({ peer }) => toHex(peer.status().tip?.stateHash ?? new Uint8Array())))
  }

  /** Heights at which two peers, in any of their lives, have told of different links: none, or the chain has split. */
  splits(): number[] {
    const hashes = new Map<number, Set<string>>()
    for (const { events } of this.#born) {
      for (const event of events) {
        if (event.type !== 'link' && event.type !== 'caught-up' && event.type !== 'founded') continue
        const { height, linkHash } = event.tip
        hashes.set(height, (hashes.get(height) ?? new Set()).add(toHex(linkHash)))
      }
    }
    return [...hashes].filter(([, distinct]) => distinct.size > 1).map(([height]) => height)
  }

  async stop(): Promise<void> {
    await Promise.all(this.living.map(({ peer }) => peer.stop()))
  }
}

/** A disk that answers nothing and writes nothing once the power is off. */
function powered(files: Files, power: { readonly on: boolean }): Files {
  const never = new Promise<never>(() => {})
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!power.on) return never
    const result = await work()
    return power.on ? result : never
  }
  return {
    read: path => guarded(() => files.read(path)),
    readRange: (path, offset, length) => guarded(() => files.readRange(path, offset, length)),
    readInto: (path, offset, target) => guarded(() => files.readInto(path, offset, target)),
    size: path => guarded(() => files.size(path)),
    write: (path, bytes) => guarded(() => files.write(path, bytes)),
    writeParts: (path, parts) => guarded(() => files.writeParts(path, parts)),
    append: (path, bytes) => guarded(() => files.append(path, bytes)),
    list: path => guarded(() => files.list(path)),
    remove: path => guarded(() => files.remove(path))
  }
}

/** The links that a peer told of in one life. */
export function linksOf({ events }: PeerLife): LinkBody[] {
  return events.filter(event => event.type === 'link').map(({ link }) => link)
}

export function hasEvent({ events }: PeerLife, type: PeerEvent['type']): boolean {
  return events.some(event => event.type === type)
}
