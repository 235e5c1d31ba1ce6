/**
 * Carries out what the round's machine asks for. Short effects are done when `perform` resolves; long ones go on
 * beside and bring their event back, unless their attempt is over by then.
 */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { extendChain } from '../../protocols/chain.ts'
import type { ChainTip, LinkKind, RunContext } from '../../protocols/chain-tip.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { CertifiedLink, Decision, type LinkBody } from '../../protocols/messages.js'
import type { Clock, Network, PeerId } from '../../protocols/ports.ts'
import type { Effect, OfferedSum, RoundEvent } from '../round/round-types.ts'
import type { ByteAccount } from './byte-account.ts'
import { type CaughtUp, catchUp } from './catch-up.ts'
import type { AttemptId } from './journal-store.ts'
import type { MessageChannel } from './message-channel.ts'
import type { PeerEvent } from './peer-types.ts'
import type { PublicSum } from './public-sum.ts'
import { inOrderOfOwn } from './pull-order.ts'
import type { RoundWork } from './round-work.ts'
import type { RunDisk } from './run-disk.ts'
import type { StateKeeper } from './state-keeper.ts'
import { gatherTranscript } from './transcript-protocol.ts'
import type { TreeWork } from './tree-work.ts'
import { sleep } from './waiting.ts'

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>

/** A certified state that nobody gives yet is asked for again after this long. */
const STATE_RETRY_MS = 1_000

/** Between two levels of a larger network that pull a state: about the time that one takes on a fast link. */
const STATE_TURN_MS = 100

export interface EffectPorts {
  readonly network: Network
  readonly clock: Clock
  readonly crypto: CryptoSuite
  readonly run: RunContext
  readonly disk: RunDisk
  readonly states: StateKeeper
  readonly work: RoundWork
  readonly sums: TreeWork
  readonly publicSum: PublicSum
  readonly channel: MessageChannel
  readonly account: ByteAccount
  /** Ends everything that is under way. */
  readonly signal: AbortSignal
  push(event: RoundEvent): void
  /** Runs a task in turn with the events. */
  inTurn(task: () => Promise<RoundEvent | null>): void
  emit(event: PeerEvent): void
  /** The state has moved on, or the machine says something. */
  onProgress(): void
  fail(error: unknown): void
  log(message: string): void
}

export class EffectRunner {
  readonly #ports: EffectPorts
  #syncing = false
  /** Sums that this peer is opening, by attempt; and those of them that a certified link waits for. */
  readonly #openings = new Map<string, Promise<unknown>>()
  readonly #awaitedOpenings = new Set<string>()
  /** Attempts of which a probe is under way. */
  readonly #probing = new Set<string>()

  constructor(ports: EffectPorts) {
    this.#ports = ports
  }

  /** @throws FilesError */
  async perform(effect: Effect): Promise<void> {
    const { disk, channel, work, sums, emit, onProgress } = this.#ports
    switch (effect.type) {
      case 'journal':
        return disk.journal.append(effect.entry)
      case 'gossip':
        return channel.gossip(effect.message, effect.topic)
      case 'listen':
        return channel.listen(effect.cohorts)
      case 'send':
        return channel.send(effect.to, effect.message)
      case 'train':
        return this.#beside(work.train(effect))
      case 'mask':
        return this.#beside(work.mask(effect))
      case 'pull':
        return this.#beside(work.pull(effect, this.#attemptId()))
      case 'unmask':
        return this.#beside(this.#unmask(effect))
      case 'pull-sum':
        return this.#beside(sums.pull(effect))
      case 'add-sums':
        return this.#beside(this.#addSums(effect))
      case 'commit':
        return this.#commit(effect)
      case 'found':
        return this.#found(effect)
      case 'probe':
        return this.#beside(this.#probe(effect))
      case 'sync':
        return this.#beside(this.sync(effect.from))
      case 'forget':
        return this.#forget(effect)
      case 'blame':
        return this.#blame(effect)
      case 'notice':
        emit(effect)
        return onProgress()
    }
  }

  /** Runs beside the machine; what it throws is a fault of ours or of the disk. */
  #beside(work: Promise<RoundEvent | null>): void {
    const { push, fail, signal } = this.#ports
    work.then(
      event => {
        if (event !== null) push(event)
      },
      error => {
        if (!signal.aborted) fail(error)
      }
    )
  }

  /** The attempt that our chain leads to. */
  #attemptId(): AttemptId {
    const { tip } = this.#ports.disk.chain
    return { round: tip?.round ?? 0, attempt: tip?.attempt ?? 0 }
  }

  /**
   * The state is on the disk before this peer votes for it: if everyone lost power then, the votes in the journals
   * could still certify a link, and nobody could go on from a state that nobody has.
   */
  async #unmask(effect: EffectOf<'unmask'>): Promise<RoundEvent | null> {
    const { work, states } = this.#ports
    const key = keyOf(effect)
    await null
    const opening = work.unmask(effect)
    this.#openings.set(key, opening)
    try {
      const event = await opening
      if (event?.type === 'unmasked') await states.write(event.outcome.stateHash)
      return event
    } finally {
      this.#openings.delete(key)
    }
  }

  /** Of an attempt whose result others certified first, once the sum is open: what comes of it, this peer need not pull. */
  #forget(id: AttemptId): void {
    const { work } = this.#ports
    const key = keyOf(id)
    const forget = (): void => work.forget(id)
    if (this.#awaitedOpenings.delete(key)) this.#openings.get(key)?.then(forget, forget)
    else forget()
  }

  /** Likewise. */
  async #addSums(effect: EffectOf<'add-sums'>): Promise<RoundEvent> {
    const { sums, states } = this.#ports
    await null
    const event = sums.add(effect)
    if (event.type === 'sums-added' && event.added !== 'failed' && event.added.type === 'outcome')
      await states.write(event.added.outcome.stateHash)
    return event
  }

  async #blame({ evidence }: EffectOf<'blame'>): Promise<void> {
    const file = await this.#ports.disk.evidence.keep(evidence)
    if (file === null) return
    const { culprit: peer, kind, what, round, attempt } = evidence
    this.#ports.emit({ type: 'blamed', peer, kind, what, round, attempt, file })
  }

  /** Writes a link that this peer, the author, has signed: at once, as there must never be another after the same. */
  async extend(certified: Uint8Array): Promise<RoundEvent> {
    const { disk, run, crypto } = this.#ports
    const { tip, link } = extendChain(disk.chain.tip!, certified, run, crypto)
    await this.#append([certified], tip)
    this.#tellLink(link, tip)
    return { type: 'adopt', tip }
  }

  async #found({ founding, tip }: EffectOf<'found'>): Promise<void> {
    const { disk, emit } = this.#ports
    await disk.chain.append([founding], tip)
    emit({ type: 'founded', tip })
  }

  async #commit(effect: EffectOf<'commit'>): Promise<void> {
    const { tip, link, certified, ready } = effect
    if (ready) {
      await this.#append([certified], tip)
      this.#tellLink(link, tip)
    } else this.#beside(this.#commitWithOthersState(effect))
  }

  /** For a link whose state this peer did not compute itself: gets it, then writes both. */
  async #commitWithOthersState(effect: EffectOf<'commit'>): Promise<RoundEvent | null> {
    const { tip, link, certified, turn } = effect
    const { states, clock, signal, inTurn, log } = this.#ports
    const isNext = (): boolean => this.#isNext(tip)
    await this.#ownState(link)
    // Those nearer to the root get it first, so that everyone can ask somebody near.
    await sleep(clock, turn * STATE_TURN_MS, signal)
    if (effect.sum !== null) await this.#stateFromSum(effect, effect.sum)
    const holders = this.#askedFirst(effect.holders, tip.stateHash)
    while (!signal.aborted && isNext()) {
      try {
        if (!(await states.has(tip.stateHash))) await states.pull(tip.stateHash, holders, signal)
        inTurn(async () => {
          if (!isNext()) return null
          await this.#append([certified], tip)
          this.#tellLink(link, tip)
          return { type: 'adopt', tip }
        })
        return null
      } catch (error) {
        if (signal.aborted) return null
        log(
          `cannot get the state of link ${tip.height} yet: ${error instanceof Error ? error.message : String(error)}`
        )
        await sleep(clock, STATE_RETRY_MS, signal)
      }
    }
    return null
  }

  #isNext(tip: ChainTip): boolean {
    return this.#ports.disk.chain.tip?.height === tip.height - 1
  }

  /** These first, each peer in an order of its own, and then whoever else may have it by now. */
  #askedFirst(holders: readonly PeerId[], address: Uint8Array): () => PeerId[] {
    const { network, crypto } = this.#ports
    const first = inOrderOfOwn(holders, address, network.peerId, crypto.sha256)
    return () => {
      const connected = network.peers()
      return [
        ...first.filter(peer => connected.includes(peer)),
        ...connected.filter(peer => !first.includes(peer))
      ]
    }
  }

  /** Waits for the sum that this peer is opening itself; nothing if it is not. */
  async #ownState(link: LinkBody): Promise<void> {
    const key = keyOf(link)
    const opening = this.#openings.get(key)
    if (opening === undefined) return
    this.#awaitedOpenings.add(key)
    // Whose failure it is, `#beside` tells.
    await opening.catch(() => null)
  }

  /** Makes the state from the round's sum, if it can be had and is the right one. */
  async #stateFromSum({ tip, link }: EffectOf<'commit'>, sum: OfferedSum): Promise<void> {
    const { states, publicSum, signal, disk, emit, log } = this.#ports
    try {
      if (await states.has(tip.stateHash)) return
      const bytes = await publicSum.pull(sum, this.#askedFirst(sum.holders, sum.address), signal)
      const standsBefore = this.#isNext(tip) && equalBytes(states.hash, disk.chain.tip!.stateHash)
      if (!standsBefore || publicSum.leadsTo(link, tip, sum.address, bytes)) return
      const message =
        `the sum of round ${link.round} that ${sum.holders.join(', ')} named does not lead to the state that is ` +
        'certified: the state itself is pulled'
      emit({ type: 'warning', message })
    } catch (error) {
      if (signal.aborted) return
      log(
        `cannot get the sum of round ${link.round}: ${error instanceof Error ? error.message : String(error)}`
      )
    }
  }

  /** State first, then the links: a link on the disk whose state is nowhere could not be gone on from. */
  async #append(records: readonly Uint8Array[], tip: ChainTip): Promise<void> {
    const { disk, states, work, sums } = this.#ports
    const moved = !equalBytes(tip.stateHash, states.hash)
    await states.write(tip.stateHash)
    await disk.chain.append(records, tip)
    await states.adopt(tip.stateHash)
    await disk.journal.prune(tip)
    for (const link of linksIn(records, tip)) await work.settle(link)
    if (moved) await disk.saveAdapter(states.state.adapter)
    work.forgetBefore(tip)
    sums.forgetBefore(tip)
  }

  #tellLink(link: LinkBody, tip: ChainTip): void {
    const { emit, account, onProgress } = this.#ports
    emit({ type: 'link', kind: link.kind as LinkKind, link, tip, bytes: account.take() })
    // Only now: whoever waits for the end of the run has heard of its last link then.
    onProgress()
  }

  async #probe(effect: EffectOf<'probe'>): Promise<RoundEvent | null> {
    const { network, clock, crypto, run, disk, signal, emit } = this.#ports
    const { round, attempt, cohort, from } = effect
    const key = `${round} ${attempt} ${cohort ?? ''}`
    if (this.#probing.has(key)) return null
    const loss = disk.journal.lossOf(effect)
    if (loss !== null) {
      // Unanswered, the machine says nothing in this attempt and follows the chain once it is over.
      this.#probing.add(key)
      const message = `${loss}: this peer cannot know what it has said in round ${round}, so it stays silent until that is over`
      emit({ type: 'warning', message })
      return null
    }
    this.#probing.add(key)
    try {
      const gathered = await gatherTranscript({ network, clock, crypto }, run, effect, from)
      if (signal.aborted) return null
      return { type: 'probed', round, attempt, cohort, journal: disk.journal.entriesOf(effect), ...gathered }
    } finally {
      this.#probing.delete(key)
    }
  }

  /** Pulls a longer chain, from the peer named or anyone else who has one. */
  async sync(from: PeerId): Promise<RoundEvent | null> {
    const { network, disk, signal, inTurn, log } = this.#ports
    if (this.#syncing) return null
    this.#syncing = true
    try {
      const candidates = [from, ...network.peers().filter(peer => peer !== from)]
      const caughtUp = await catchUp(this.#ports, disk.chain.tip, candidates, signal)
      if (caughtUp === null) log('nobody in reach has a longer chain with its state')
      else inTurn(() => this.#adoptChain(caughtUp))
      return null
    } finally {
      this.#syncing = false
    }
  }

  async #adoptChain({ records, tips, tip, from }: CaughtUp): Promise<RoundEvent | null> {
    const { disk, states, emit, onProgress } = this.#ports
    const height = disk.chain.tip?.height ?? -1
    // Links that this peer has committed itself in the meantime.
    const fresh = tips.findIndex(({ height: at }) => at === height + 1)
    const behind = tip.height > height
    if (!behind && (tip.height < height || !(await states.has(tip.stateHash)))) return null
    await this.#append(behind ? records.slice(fresh) : [], tip)
    emit({ type: 'caught-up', from, tip, links: behind ? records.length - fresh : 0 })
    onProgress()
    return { type: 'adopt', tip }
  }
}

function keyOf({ round, attempt }: AttemptId): string {
  return `${round} ${attempt}`
}

/** @param tip - after the last of the records: the founding list, if it is among them, is the first */
function linksIn(records: readonly Uint8Array[], { height }: ChainTip): LinkBody[] {
  const links = records.slice(records.length > height ? 1 : 0)
  return links.map(record => Decision.decode(CertifiedLink.decode(record).decision).link!)
}
