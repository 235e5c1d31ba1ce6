/**
 * Round machines wired to each other in memory, under virtual time: real keys, real masks, real sums; only the
 * network and the training are pretended. For tests of the machine by itself, without node/peer.
 */
import { gatherSpans, spansOf } from '../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import { clipToNorm } from '../../aggregation/clip.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { decodeSum, encodeInput, laneCountOf } from '../../aggregation/encoding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { applyRound, encodeState, initialState, type ReplicatedState } from '../../aggregation/replicated-state.ts'
import { bytesOfLanes, type Lanes, lanesOfBytes } from '../../aggregation/ring.ts'
import { maskInput, unmaskSum } from '../../aggregation/secure-sum.ts'
import { serverOptimizerOf } from '../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import type { JournalEntry } from '../../node/round/journal.ts'
import { createRoundMachine, transcriptOf } from '../../node/round/round-machine.ts'
import type { RunState } from '../../node/round/round-state.ts'
import type { Effect, Notice, RoundDeps, RoundEvent } from '../../node/round/round-types.ts'
import { type ChainTip, extendChain, foundChain } from '../../protocols/chain.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import type { LinkBody } from '../../protocols/messages.js'
import type { TestMember, TestRun } from './chains.ts'

export interface ClusterOptions {
  readonly seed: number
  /** Longest delay of a message. */
  readonly latencyMs?: number
  readonly trainMs?: number
  /** Called with every message on its way; false loses it. */
  readonly deliver?: (from: string, to: string, message: SignedMessage, nowMs: number) => boolean
  /** Called before a peer carries out an effect; false kills it there and then. */
  readonly onEffect?: (peer: string, effect: Effect, nowMs: number) => boolean
  /** Replaces the masks that a peer puts on, for tests that break the protocol on purpose. */
  readonly tamper?: (peer: string, effect: Effect & { type: 'mask' }) => Effect & { type: 'mask' }
}

export class ClusterPeer {
  readonly member: TestMember
  readonly deps: RoundDeps
  readonly machine: ReturnType<typeof createRoundMachine>
  state: RunState
  alive = true
  epoch = 0
  journal: JournalEntry[] = []
  founding: Uint8Array | null = null
  links: Uint8Array[] = []
  bodiesOfLinks: LinkBody[] = []
  replicated: ReplicatedState
  candidate: { key: string; state: ReplicatedState } | null = null
  /** What this peer trained, before any mask: `round.attempt` -> lanes. Kept for the tests to compare. */
  readonly inputs = new Map<string, Lanes>()
  readonly held = new Map<string, Uint8Array>()
  readonly notices: Notice[] = []

  constructor(member: TestMember, deps: RoundDeps, initial: ReplicatedState, nowMs: number) {
    this.member = member
    this.deps = deps
    this.machine = createRoundMachine(deps)
    this.state = this.machine.initial(nowMs)
    this.replicated = initial
  }

  get id(): string {
    return this.member.id
  }
}

export class RoundCluster {
  nowMs = 1_000_000
  readonly run: TestRun
  readonly options: Required<Pick<ClusterOptions, 'latencyMs' | 'trainMs'>> & ClusterOptions
  readonly peers = new Map<string, ClusterPeer>()
  /** Every message on the wire, once. */
  readonly wire: SignedMessage[] = []
  readonly crypto: CryptoSuite
  private readonly random
  private readonly queue: Array<{ atMs: number; order: number; run: () => void }> = []
  private order = 0

  constructor(run: TestRun, options: ClusterOptions) {
    this.run = run
    this.options = { latencyMs: 20, trainMs: 300, ...options }
    this.random = seededRandom(options.seed)
    this.crypto = seededCrypto(Uint8Array.of(options.seed & 255, options.seed >> 8, 9))
  }

  start(members: readonly TestMember[] = this.run.members): void {
    for (const member of members) this.join(member)
  }

  join(member: TestMember): ClusterPeer {
    const { run } = this.run
    const { layout, manifest, initialAdapter } = this.run
    const deps: RoundDeps = {
      crypto: this.crypto,
      signer: member.signer,
      self: member.id,
      run,
      factorsOf: completed => strategyByName(manifest.strategy).factorsOf(completed),
      laneCountOf: (size, completed) => laneCountOf(roundEncodingOf(run, layout, size, completed))
    }
    const initial = initialState(initialAdapter, manifest.secureSum.clipNorm)
    const peer = new ClusterPeer(member, deps, initial, this.nowMs)
    this.peers.set(member.id, peer)
    this.connect(peer)
    this.feed(peer, { type: 'tick' })
    return peer
  }

  private connect(peer: ClusterPeer): void {
    for (const other of this.peers.values()) {
      if (other === peer || !other.alive) continue
      this.feed(other, { type: 'peer', peer: peer.id, connected: true })
      this.feed(peer, { type: 'peer', peer: other.id, connected: true })
    }
  }

  /** As SIGKILL: nothing more is sent, memory is gone, journal and chain stay. */
  kill(id: string): void {
    const peer = this.peers.get(id)!
    peer.alive = false
    peer.epoch++
    peer.held.clear()
    for (const other of this.peers.values()) {
      if (other.alive) this.at(this.nowMs + 5, () => this.feed(other, { type: 'peer', peer: id, connected: false }))
    }
  }

  /** Starts again from disk. @param journal - another one, for a journal that was rolled back */
  restart(id: string, journal?: JournalEntry[]): void {
    const peer = this.peers.get(id)!
    peer.alive = true
    peer.state = peer.machine.initial(this.nowMs)
    if (journal !== undefined) peer.journal = journal
    this.connect(peer)
    const tip = this.tipOf(peer)
    this.feed(peer, tip === null ? { type: 'tick' } : { type: 'adopt', tip })
  }

  tipOf(peer: ClusterPeer): ChainTip | null {
    if (peer.founding === null) return null
    const { run } = this.run
    let tip = foundChain(peer.founding, run, this.crypto)
    for (const link of peer.links) tip = extendChain(tip, link, run, this.crypto).tip
    return tip
  }

  /** Runs until nothing is left to do before `untilMs`, or `done` says so. @returns whether it did */
  runUntil(done: () => boolean, limitMs = 600_000): boolean {
    const endMs = this.nowMs + limitMs
    while (!done()) {
      const next = this.nextItem()
      if (next === null || next.atMs > endMs) return false
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
    return true
  }

  private nextItem(): { atMs: number; run: () => void } | null {
    let best: { atMs: number; order: number; run: () => void; index: number } | null = null
    this.queue.forEach((item, index) => {
      if (best === null || item.atMs < best.atMs || (item.atMs === best.atMs && item.order < best.order)) best = { ...item, index }
    })
    const item = best as { atMs: number; order: number; run: () => void; index: number } | null
    let waker: ClusterPeer | null = null
    for (const peer of this.peers.values()) {
      if (peer.alive && (waker === null || peer.state.wakeAtMs < waker.state.wakeAtMs)) waker = peer
    }
    if (waker !== null && (item === null || waker.state.wakeAtMs < item.atMs)) {
      const peer = waker
      return { atMs: peer.state.wakeAtMs, run: () => this.feed(peer, { type: 'tick' }) }
    }
    if (item === null) return null
    this.queue.splice(item.index, 1)
    return item
  }

  at(atMs: number, run: () => void): void {
    this.queue.push({ atMs, order: this.order++, run })
  }

  feed(peer: ClusterPeer, event: RoundEvent): void {
    if (!peer.alive) return
    const { state, effects } = peer.machine.step(peer.state, event, this.nowMs)
    peer.state = state
    for (const effect of effects) {
      if (!peer.alive) return
      if (this.options.onEffect?.(peer.id, effect, this.nowMs) === false) return this.kill(peer.id)
      this.carryOut(peer, effect)
    }
  }

  private later(peer: ClusterPeer, delayMs: number, event: () => RoundEvent | null): void {
    const { epoch } = peer
    this.at(this.nowMs + delayMs, () => {
      if (!peer.alive || peer.epoch !== epoch) return
      const made = event()
      if (made !== null) this.feed(peer, made)
    })
  }

  private transmit(from: ClusterPeer, to: ClusterPeer, message: SignedMessage): void {
    if (this.options.deliver?.(from.id, to.id, message, this.nowMs) === false) return
    const delayMs = 1 + (this.random.nextUint32() % this.options.latencyMs)
    // What arrives is bytes: opened, and checked, by the receiver.
    this.later(to, delayMs, () => ({ type: 'message', message: openMessage(message.bytes, this.crypto) }))
  }

  private carryOut(peer: ClusterPeer, effect: Effect): void {
    switch (effect.type) {
      case 'journal':
        peer.journal.push(effect.entry)
        return
      case 'gossip':
        this.wire.push(effect.message)
        for (const other of this.peers.values()) if (other !== peer && other.alive) this.transmit(peer, other, effect.message)
        return
      case 'send':
        this.wire.push(effect.message)
        for (const id of effect.to) {
          const other = this.peers.get(id)
          if (other?.alive) this.transmit(peer, other, effect.message)
        }
        return
      case 'train':
        return this.train(peer, effect)
      case 'mask':
        return this.mask(peer, this.options.tamper?.(peer.id, effect) ?? effect)
      case 'pull':
        return this.pull(peer, effect)
      case 'unmask':
        return this.unmask(peer, effect)
      case 'commit':
        return this.commit(peer, effect)
      case 'found':
        peer.founding = effect.founding
        return
      case 'probe': {
        const others = effect.from.map(id => this.peers.get(id)).filter(other => other?.alive)
        this.later(peer, this.options.latencyMs, () => ({
          type: 'probed',
          round: effect.round,
          attempt: effect.attempt,
          journal: peer.journal.filter(entry => entry.round === effect.round && entry.attempt === effect.attempt),
          transcript: others.flatMap(other => {
            const at = other!.state.attempt
            return at?.round === effect.round && at.attempt === effect.attempt ? transcriptOf(other!.state) : []
          }),
          answers: others.length
        }))
        return
      }
      case 'sync':
        return this.sync(peer, effect.from)
      case 'forget':
        peer.held.clear()
        return
      case 'notice':
        peer.notices.push(effect)
    }
  }

  private train(peer: ClusterPeer, effect: Effect & { type: 'train' }): void {
    const { layout } = this.run
    const encoding = roundEncodingOf(this.run.run, layout, effect.cohortSize, effect.completedRounds)
    const random = seededRandom(this.crypto.sha256(peer.member.signer.publicKey, Uint8Array.of(effect.height, effect.attempt)))
    const delta = gatherSpans(new Float32Array(layout.length), spansOf(layout, effect.factors))
    for (let i = 0; i < delta.length; i++) delta[i] = (random.nextUint32() / 2 ** 32 - 0.5) / 10
    const { clipped } = clipToNorm(delta, this.run.manifest.secureSum.clipNorm)
    const input = encodeInput(encoding, { delta: clipped, weight: 1, metrics: [2] }, random)
    peer.inputs.set(`${effect.round}.${effect.attempt}`, input)
    const { round, attempt } = effect
    const delayMs = this.options.trainMs + (this.random.nextUint32() % this.options.trainMs)
    this.later(peer, delayMs, () => ({ type: 'trained', round, attempt }))
  }

  private mask(peer: ClusterPeer, effect: Effect & { type: 'mask' }): void {
    const { round, attempt, selfKey, pairMasks } = effect
    const input = peer.inputs.get(`${round}.${attempt}`)!
    const body = bytesOfLanes(maskInput(input, selfKey, pairMasks, this.crypto)).slice()
    const address = addressOf(chunkHashes(body, this.crypto), this.crypto)
    peer.held.set(toHex(address), body)
    this.later(peer, 1, () => ({ type: 'input-masked', round, attempt, address, lengthBytes: body.length }))
  }

  private pull(peer: ClusterPeer, effect: Effect & { type: 'pull' }): void {
    const { owner, address } = effect
    const key = toHex(address)
    this.later(peer, 1 + (this.random.nextUint32() % this.options.latencyMs), () => {
      const body = effect.holders.map(id => this.peers.get(id)).find(other => other?.alive && other.held.has(key))?.held.get(key)
      if (body === undefined) {
        this.later(peer, 200, () => (this.pull(peer, effect), null))
        return null
      }
      peer.held.set(key, body)
      return { type: 'body-held', owner, address }
    })
  }

  private unmask(peer: ClusterPeer, effect: Effect & { type: 'unmask' }): void {
    const { run, layout, manifest } = this.run
    const { round, attempt, selfKeys, droppedPairMasks } = effect
    const encoding = roundEncodingOf(run, layout, effect.cohortSize, effect.completedRounds)
    const inputs = effect.survivors.map(({ address }) =>
      lanesOfBytes(peer.held.get(toHex(address))!, manifest.secureSum.ringBits)
    )
    const sum = unmaskSum({ inputs, selfKeys, droppedPairMasks }, this.crypto)
    const decoded = decodeSum(encoding, sum, inputs.length)
    const strategy = strategyByName(manifest.strategy)
    const state = applyRound(peer.replicated, decoded, strategy, serverOptimizerOf(manifest.serverOptimizer), layout)
    const bytes = encodeState(state)
    const stateHash = addressOf(chunkHashes(bytes, this.crypto), this.crypto)
    peer.candidate = { key: toHex(stateHash), state }
    const outcome = { stateHash, weightSum: decoded.weightSum, meanLoss: decoded.meanMetrics[0]!, epsilonSpent: 0 }
    this.later(peer, 2, () => ({ type: 'unmasked', round, attempt, outcome }))
  }

  private commit(peer: ClusterPeer, effect: Effect & { type: 'commit' }): void {
    if (!effect.ready) return this.syncSoon(peer)
    if (effect.link.kind === 'result') peer.replicated = peer.candidate!.state
    peer.links.push(effect.certified)
    peer.bodiesOfLinks.push(effect.link)
    peer.journal = []
  }

  private syncSoon(peer: ClusterPeer): void {
    this.later(peer, 200, () => {
      const ahead = [...this.peers.values()].find(other => other.alive && other.links.length > peer.links.length)
      if (ahead === undefined) this.syncSoon(peer)
      else this.sync(peer, ahead.id)
      return null
    })
  }

  private sync(peer: ClusterPeer, from: string): void {
    this.later(peer, this.options.latencyMs, () => {
      const other = this.peers.get(from)!
      if (!other.alive || other.founding === null) return null
      peer.founding = other.founding
      peer.links = [...other.links]
      peer.bodiesOfLinks = [...other.bodiesOfLinks]
      peer.replicated = other.replicated
      peer.journal = []
      const tip = this.tipOf(peer)!
      const bytes = encodeState(peer.replicated)
      if (toHex(addressOf(chunkHashes(bytes, this.crypto), this.crypto)) !== toHex(tip.stateHash)) throw new Error('synced another state')
      return { type: 'adopt', tip }
    })
  }

  /** Hash of the replicated state of a peer, in hexadecimal. */
  stateHashOf(peer: ClusterPeer): string {
    return toHex(addressOf(chunkHashes(encodeState(peer.replicated), this.crypto), this.crypto))
  }
}
