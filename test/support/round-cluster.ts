/**
 * Round machines wired to each other in memory, under virtual time: real keys, real masks, real sums; only the
 * network and the training are pretended. For tests of the machine by itself, without node/peer.
 */
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { bytesOfLanes } from '../../aggregation/ring.ts'
import { maskInput } from '../../aggregation/secure-sum.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import type { JournalEntry } from '../../node/round/journal.ts'
import { transcriptOf } from '../../node/round/round-machine.ts'
import type { RunState } from '../../node/round/round-state.ts'
import type { Effect, RoundDeps, RoundEvent, RoundMachine } from '../../node/round/round-types.ts'
import { extendChain, foundChain } from '../../protocols/chain.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { reconfigurationAfter } from '../../protocols/reconfiguration.ts'
import type { TestMember, TestRun } from './chains.ts'
import { ClusterPeer, stateHashOf } from './cluster-peer.ts'
import { memoisedCrypto } from './memoised-crypto.ts'

export interface ClusterOptions {
  readonly seed: number
  /** Longest delay of a message. */
  readonly latencyMs?: number
  /** Training takes at least as long, and less than twice as long. */
  readonly trainMs?: number
  /** Called with every message on its way; false loses it. */
  readonly deliver?: (from: string, to: string, message: SignedMessage, nowMs: number) => boolean
  /** Called before a peer carries out an effect; false kills it there and then. */
  readonly onEffect?: (peer: string, effect: Effect, nowMs: number) => boolean
  /** What a peer does instead of an effect, for members that break the protocol on purpose. */
  readonly instead?: (peer: string, effect: Effect) => readonly Effect[]
  /** Wraps the machine of every peer. */
  readonly watched?: (deps: RoundDeps, machine: RoundMachine<RunState>) => RoundMachine<RunState>
  /** Called after every step of a machine. */
  readonly onStep?: (peer: string, event: RoundEvent, effects: readonly Effect[], nowMs: number) => void
}

interface Appointment {
  readonly atMs: number
  readonly run: () => void
}

const TRAIN_MS = 300
const LATENCY_MS = 20
const PULL_RETRY_MS = 200

export class RoundCluster {
  nowMs = 1_000_000
  readonly run: TestRun
  readonly crypto: CryptoSuite
  readonly peers = new Map<string, ClusterPeer>()
  /** Every message that was said, once. */
  readonly wire: SignedMessage[] = []
  /** Every masked input that was ever served, by address (hex). */
  readonly bodies = new Map<string, Uint8Array>()
  readonly #options: ClusterOptions
  readonly #random
  /** Soonest first; of those at the same time, the earlier made first. */
  readonly #appointments: Appointment[] = []
  readonly #latencyMs: number
  readonly #trainMs: number
  #groups: ReadonlyArray<ReadonlySet<string>> = []

  constructor(run: TestRun, options: ClusterOptions) {
    this.run = run
    this.#options = options
    this.#latencyMs = options.latencyMs ?? LATENCY_MS
    this.#trainMs = options.trainMs ?? TRAIN_MS
    this.#random = seededRandom(options.seed)
    this.crypto = memoisedCrypto(seededCrypto(Uint8Array.of(options.seed & 255, options.seed >> 8, 9)))
  }

  get alive(): ClusterPeer[] {
    return [...this.peers.values()].filter(({ alive }) => alive)
  }

  peer(id: string): ClusterPeer {
    return this.peers.get(id)!
  }

  start(members: readonly TestMember[] = this.run.members): this {
    for (const member of members) this.join(member)
    return this
  }

  join(member: TestMember): ClusterPeer {
    const peer = new ClusterPeer(member, this.run, this.crypto, this.nowMs, this.#options.watched)
    this.peers.set(member.id, peer)
    this.#connect(peer)
    this.feed(peer, { type: 'tick' })
    return peer
  }

  /** As SIGKILL: nothing more is sent, memory is gone, journal and chain stay. */
  kill(id: string): void {
    const peer = this.peer(id)
    peer.alive = false
    peer.epoch++
    peer.held.clear()
    this.at(this.nowMs + 5, () => {
      if (peer.alive) return
      for (const other of this.alive) this.feed(other, { type: 'peer', peer: id, connected: false })
    })
  }

  /** Starts again from disk. @param journal - another one, for a journal that was rolled back */
  restart(id: string, journal?: readonly JournalEntry[]): void {
    const peer = this.peer(id)
    peer.alive = true
    peer.state = peer.machine.initial(this.nowMs)
    if (journal !== undefined) peer.journal = [...journal]
    const tip = this.tipOf(peer)
    this.feed(peer, tip === null ? { type: 'tick' } : { type: 'adopt', tip })
    for (const { bytes } of peer.blames) this.feed(peer, { type: 'evidence', bytes })
    this.#connect(peer)
  }

  /** The run's author lets it go on with these members. */
  reconfigure(members: readonly string[]): void {
    const { author, run } = this.run
    const peer = this.peer(author.id)
    const before = this.tipOf(peer)!
    const stoodDown = [...(peer.state.attempt?.standDowns.said.values() ?? [])]
    const bytes = reconfigurationAfter(before, members, run, author.signer, this.crypto, [], stoodDown)
    const { tip, link } = extendChain(before, bytes, run, this.crypto)
    peer.links.push(bytes)
    peer.linkBodies.push(link)
    peer.journal = []
    this.feed(peer, { type: 'adopt', tip })
  }

  /** Cuts the network: only members of the same group reach each other. No groups heal it. */
  partition(...groups: ReadonlyArray<readonly string[]>): void {
    const before = this.#groups
    this.#groups = groups.map(group => new Set(group))
    const together = (cut: typeof before, a: string, b: string) =>
      cut.length === 0 || cut.some(group => group.has(a) && group.has(b))
    for (const { id } of this.alive) {
      for (const other of this.alive) {
        const connected = together(this.#groups, id, other.id)
        if (id !== other.id && connected !== together(before, id, other.id))
          this.feed(other, { type: 'peer', peer: id, connected })
      }
    }
  }

  /** Sends what somebody made by hand to some peers, or to everyone else. */
  inject(message: SignedMessage, to: readonly string[] = [...this.peers.keys()]): void {
    this.wire.push(message)
    for (const id of to) if (id !== message.sender) this.#transmit(message.sender, id, message)
  }

  tipOf(peer: ClusterPeer): ChainTip | null {
    if (peer.founding === null) return null
    const { run } = this.run
    let tip = foundChain(peer.founding, run, this.crypto)
    for (const link of peer.links) tip = extendChain(tip, link, run, this.crypto).tip
    return tip
  }

  /** Runs until `done`. @returns false if that does not come within `limitMs` of virtual time */
  runUntil(done: () => boolean, limitMs = 600_000): boolean {
    const endMs = this.nowMs + limitMs
    while (!done()) {
      const next = this.#next()
      if (next === null || next.atMs > endMs) return false
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
    return true
  }

  /** Runs until everyone who lives has finished the run, the state of its last link included. */
  finish(limitMs?: number): boolean {
    return this.runUntil(
      () =>
        this.alive.every(
          ({ state, links }) => state.phase === 'Finished' && links.length === state.tip!.height
        ),
      limitMs
    )
  }

  /** Runs until everyone who lives has this many links. */
  reach(height: number, limitMs?: number): boolean {
    return this.runUntil(() => this.alive.every(({ links }) => links.length >= height), limitMs)
  }

  at(atMs: number, run: () => void): void {
    const list = this.#appointments
    let low = 0
    for (let high = list.length; low < high; ) {
      const middle = (low + high) >> 1
      if (list[middle]!.atMs <= atMs) low = middle + 1
      else high = middle
    }
    list.splice(low, 0, { atMs, run })
  }

  feed(peer: ClusterPeer, event: RoundEvent): void {
    if (!peer.alive) return
    const { state, effects } = peer.machine.step(peer.state, event, this.nowMs)
    peer.state = state
    this.#options.onStep?.(peer.id, event, effects, this.nowMs)
    for (const asked of effects) {
      for (const effect of this.#options.instead?.(peer.id, asked) ?? [asked]) {
        if (!peer.alive) return
        if (this.#options.onEffect?.(peer.id, effect, this.nowMs) === false) return this.kill(peer.id)
        this.#carryOut(peer, effect)
      }
    }
  }

  #next(): Appointment | null {
    const appointment = this.#appointments[0]
    let waker: ClusterPeer | null = null
    for (const peer of this.alive) {
      if (waker === null || peer.state.wakeAtMs < waker.state.wakeAtMs) waker = peer
    }
    if (waker !== null && (appointment === undefined || waker.state.wakeAtMs < appointment.atMs)) {
      const peer = waker
      return { atMs: peer.state.wakeAtMs, run: () => this.feed(peer, { type: 'tick' }) }
    }
    return this.#appointments.shift() ?? null
  }

  #reaches(a: string, b: string): boolean {
    if (!this.peers.get(a)?.alive || !this.peers.get(b)?.alive) return false
    return this.#groups.length === 0 || this.#groups.some(group => group.has(a) && group.has(b))
  }

  #connect(peer: ClusterPeer): void {
    for (const other of this.alive) {
      if (other === peer || !this.#reaches(peer.id, other.id)) continue
      this.feed(other, { type: 'peer', peer: peer.id, connected: true })
      this.feed(peer, { type: 'peer', peer: other.id, connected: true })
    }
  }

  #later(peer: ClusterPeer, delayMs: number, event: () => RoundEvent | null): void {
    const { epoch } = peer
    this.at(this.nowMs + delayMs, () => {
      if (!peer.alive || peer.epoch !== epoch) return
      const made = event()
      if (made !== null) this.feed(peer, made)
    })
  }

  #transmit(from: string, to: string, message: SignedMessage): void {
    const delayMs = 1 + (this.#random.nextUint32() % this.#latencyMs)
    // A stranger's words come by whatever way they come.
    if (this.peers.has(from) && !this.#reaches(from, to)) return
    if (this.#options.deliver?.(from, to, message, this.nowMs) === false) return
    // What arrives is bytes: opened, and checked, by the receiver.
    this.#later(this.peer(to), delayMs, () => ({
      type: 'message',
      message: openMessage(message.bytes, this.crypto)
    }))
  }

  #say(peer: ClusterPeer, to: Iterable<string>, message: SignedMessage): void {
    this.wire.push(message)
    for (const id of to) if (id !== peer.id) this.#transmit(peer.id, id, message)
  }

  #carryOut(peer: ClusterPeer, effect: Effect): void {
    switch (effect.type) {
      case 'journal':
        peer.journal.push(effect.entry)
        return
      case 'gossip':
        return this.#say(peer, this.peers.keys(), effect.message)
      case 'send':
        return this.#say(peer, effect.to, effect.message)
      case 'train':
        return this.#train(peer, effect)
      case 'mask':
        return this.#mask(peer, effect)
      case 'pull':
        return this.#pull(peer, effect)
      case 'unmask':
        return this.#unmask(peer, effect)
      case 'commit':
        return this.#commit(peer, effect)
      case 'found':
        peer.founding = effect.founding
        return
      case 'probe':
        return this.#probe(peer, effect)
      case 'sync':
        return this.#sync(peer, effect.from)
      case 'forget':
        peer.held.clear()
        return
      case 'blame':
        if (!peer.blames.some(({ hash }) => toHex(hash) === toHex(effect.evidence.hash)))
          peer.blames.push(effect.evidence)
        return
      case 'notice':
        peer.notices.push(effect)
    }
  }

  #train(peer: ClusterPeer, effect: Effect & { type: 'train' }): void {
    const { round, attempt } = effect
    peer.train(effect)
    const delayMs = this.#trainMs + (this.#random.nextUint32() % this.#trainMs)
    this.#later(peer, delayMs, () => ({ type: 'trained', round, attempt }))
  }

  #mask(peer: ClusterPeer, { round, attempt, selfKey, pairMasks }: Effect & { type: 'mask' }): void {
    const input = peer.inputs.get(`${round}.${attempt}`)!
    const body = bytesOfLanes(maskInput(input, selfKey, pairMasks, this.crypto)).slice()
    const address = addressOf(chunkHashes(body, this.crypto), this.crypto)
    peer.held.set(toHex(address), body)
    this.bodies.set(toHex(address), body)
    this.#later(peer, 1, () => ({ type: 'input-masked', round, attempt, address, lengthBytes: body.length }))
  }

  #pull(peer: ClusterPeer, effect: Effect & { type: 'pull' }): void {
    const { owner, address } = effect
    const key = toHex(address)
    this.#later(peer, 1 + (this.#random.nextUint32() % this.#latencyMs), () => {
      const holder = effect.holders.find(id => this.#reaches(peer.id, id) && this.peer(id).held.has(key))
      if (holder === undefined) {
        this.#later(peer, PULL_RETRY_MS, () => {
          this.#pull(peer, effect)
          return null
        })
        return null
      }
      peer.held.set(key, this.peer(holder).held.get(key)!)
      return { type: 'body-held', owner, address }
    })
  }

  #unmask(peer: ClusterPeer, effect: Effect & { type: 'unmask' }): void {
    const { round, attempt } = effect
    let event: RoundEvent
    try {
      event = { type: 'unmasked', round, attempt, outcome: peer.unmask(effect), sumAddress: null }
    } catch (error) {
      if (!(error instanceof AggregationError && error.code === 'BAD_SUM')) throw error
      event = { type: 'unmask-failed', round, attempt, reason: error.message }
    }
    this.#later(peer, 2, () => event)
  }

  #probe(peer: ClusterPeer, { round, attempt, cohort, from }: Effect & { type: 'probe' }): void {
    this.#later(peer, this.#latencyMs, () => {
      const others = from.filter(id => this.#reaches(peer.id, id)).map(id => this.peer(id).state)
      const there = others.filter(({ attempt: at }) => at?.round === round && at.attempt === attempt)
      return {
        type: 'probed',
        round,
        attempt,
        cohort,
        journal: peer.journal.filter(entry => entry.round === round && entry.attempt === attempt),
        transcript: there.flatMap(state => transcriptOf(state, cohort)),
        answers: others.length
      }
    })
  }

  #commit(peer: ClusterPeer, effect: Effect & { type: 'commit' }): void {
    const own = peer.candidates.get(toHex(effect.link.stateHash))
    if (!effect.ready && own === undefined) return this.#syncSoon(peer)
    if (effect.link.kind === 'result') peer.replicated = own!
    peer.links.push(effect.certified)
    peer.linkBodies.push(effect.link)
    peer.journal = []
    // Its own of an earlier life: the machine has to be told that it is here after all.
    if (!effect.ready) this.#later(peer, 1, () => ({ type: 'adopt', tip: effect.tip }))
  }

  #syncSoon(peer: ClusterPeer): void {
    this.#later(peer, PULL_RETRY_MS, () => {
      const ahead = this.alive.find(
        other => this.#reaches(peer.id, other.id) && other.links.length > peer.links.length
      )
      if (ahead === undefined) this.#syncSoon(peer)
      else this.#sync(peer, ahead.id)
      return null
    })
  }

  #sync(peer: ClusterPeer, from: string): void {
    this.#later(peer, this.#latencyMs, () => {
      const other = this.peers.get(from)
      if (other === undefined || !this.#reaches(peer.id, from)) return null
      if (other.founding === null) return null
      if (peer.founding !== null && other.links.length <= peer.links.length) return null
      peer.founding = other.founding
      peer.links = [...other.links]
      peer.linkBodies = [...other.linkBodies]
      peer.replicated = other.replicated
      peer.journal = []
      const tip = this.tipOf(peer)!
      if (toHex(stateHashOf(peer.replicated, this.crypto)) !== toHex(tip.stateHash))
        throw new Error('synced another state')
      return { type: 'adopt', tip }
    })
  }
}
