/**
 * `/fedpeft/runs/1`: which runs are offered? Every peer keeps such a list, names its own runs to whoever it meets, and
 * forgets what nobody repeats. So any peer of a run can tell others of it, and no peer's death loses it.
 *
 * A request is a list of fields: `list`, answered by one frame for each signed manifest; `aged-list`, by one frame for
 * each, a list of the manifest and how many seconds ago somebody who takes part last offered it; or `offer` and a signed
 * manifest, answered by one frame, `ok` or the reason why not.
 */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import { ProtocolError } from './errors.ts'
import { fieldText, readFields } from './field-list.ts'
import {
  ANNOUNCEMENT_MS,
  MANIFEST_BYTES,
  OFFERED_RUN_TTL_MS,
  OFFERED_RUNS_MAX,
  OFFERED_RUNS_PER_PEER,
  REQUEST_TIMEOUT_MS
} from './limits.ts'
import type { Clock, Network, PeerId } from './ports.ts'

export const RUNS_PROTOCOL = '/fedpeft/runs/1'

/** A manifest and the fields around it. */
const REQUEST_BYTES = MANIFEST_BYTES + 64

const TELL_TRIES = 3
const TELL_AGAIN_MS = 5_000

export interface OfferedRun {
  /** Run id, as text. */
  readonly run: string
  /** Signed manifest, as its author encoded it. */
  readonly manifest: Uint8Array
}

export interface RunRegistryInit {
  readonly network: Network
  readonly clock: Clock
  /** @returns null for what is not a validly signed manifest */
  readonly validateManifest: (bytes: Uint8Array) => { readonly run: string } | null
  /** Told of each run that comes onto the list (true) and leaves it (false). */
  readonly onRun?: (offered: OfferedRun, listed: boolean) => void
  readonly log?: (message: string) => void
}

interface Entry extends OfferedRun {
  /** Who offered it first; null for a run of our own, which never expires. */
  readonly offeredBy: PeerId | null
  /** When it was last offered, here or to the one that we learnt it from. */
  readonly offeredAtMs: number
  cancelExpiry: () => void
}

export class RunRegistry {
  readonly #init: RunRegistryInit
  readonly #entries = new Map<string, Entry>()
  readonly #stops: Array<() => void>
  #cancelRepeat = (): void => {}

  constructor(init: RunRegistryInit) {
    this.#init = init
    const { network } = init
    this.#stops = [
      network.serve(RUNS_PROTOCOL, REQUEST_BYTES, (from, body) => this.#answer(from, body)),
      network.onPeer((peer, connected) => {
        if (connected) this.#tell(peer)
      })
    ]
    this.#repeat()
  }

  /** The runs on the list, ours first, then in the order in which they were last offered. */
  runs(): OfferedRun[] {
    const entries = [...this.#entries.values()]
    const own = entries.filter(({ offeredBy }) => offeredBy === null)
    const others = entries.filter(({ offeredBy }) => offeredBy !== null)
    return [...own, ...others].map(({ run, manifest }) => ({ run, manifest }))
  }

  /**
   * Offers a run of our own to everyone we meet, until `withdraw` or `close`.
   * @throws ProtocolError BAD_MESSAGE if it is not a validly signed manifest
   */
  offer(manifest: Uint8Array): OfferedRun {
    const valid = this.#validate(manifest)
    if (valid === null) throw new ProtocolError('BAD_MESSAGE', { reason: 'not a validly signed manifest' })
    const offered = { run: valid.run, manifest: manifest.slice() }
    this.#set({ ...offered, offeredBy: null, offeredAtMs: 0, cancelExpiry: () => {} })
    for (const peer of this.#init.network.peers()) this.#tell(peer)
    return offered
  }

  /** Offers it no more. Others forget it in their own time. */
  withdraw(run: string): void {
    if (this.#entries.get(run)?.offeredBy === null) this.#remove(run)
  }

  /**
   * What another peer lists, each checked here. What does not pass is left out.
   * @throws NetworkError
   */
  async ask(peer: PeerId): Promise<OfferedRun[]> {
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: MANIFEST_BYTES }
    const found = new Map<string, OfferedRun>()
    let frames = 0
    for await (const manifest of this.#init.network.request(
      peer,
      RUNS_PROTOCOL,
      lengthPrefixed('list'),
      options
    )) {
      const valid = this.#validate(manifest)
      if (valid !== null) found.set(valid.run, { run: valid.run, manifest })
      if (++frames === OFFERED_RUNS_MAX) break
    }
    return [...found.values()]
  }

  /**
   * Takes over what another registry lists, each checked here. A run lasts no longer for it: its age goes with it, so two
   * that learn from each other forget what nobody offers any more. Of an older peer, which knows no ages, nothing is learnt.
   * @throws NetworkError
   */
  async learnFrom(peer: PeerId): Promise<void> {
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: REQUEST_BYTES }
    let frames = 0
    for await (const frame of this.#init.network.request(
      peer,
      RUNS_PROTOCOL,
      lengthPrefixed('aged-list'),
      options
    )) {
      const [manifest, age] = readFields(frame, 2) ?? []
      const seconds = age === undefined ? null : fieldText(age)
      if (manifest !== undefined && seconds !== null && /^\d{1,6}$/.test(seconds))
        this.#learn(peer, manifest, 1000 * Number(seconds))
      if (++frames === OFFERED_RUNS_MAX) break
    }
  }

  /**
   * Puts a run on another peer's list, once.
   * @throws ProtocolError OFFER_REFUSED with the other side's reason; NetworkError
   */
  async offerTo(peer: PeerId, manifest: Uint8Array): Promise<void> {
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: 256 }
    const body = lengthPrefixed('offer', manifest)
    let answer: string | null = null
    for await (const frame of this.#init.network.request(peer, RUNS_PROTOCOL, body, options)) {
      answer = fieldText(frame)
      break
    }
    if (answer === 'ok') return
    const reason = answer ?? 'it gave no reason'
    throw new ProtocolError('OFFER_REFUSED', { peer, reason }, `${peer} does not list the run: ${reason}`)
  }

  close(): void {
    this.#cancelRepeat()
    for (const stop of this.#stops) stop()
    for (const run of [...this.#entries.keys()]) this.#remove(run)
  }

  #repeat(): void {
    this.#cancelRepeat = this.#init.clock.after(ANNOUNCEMENT_MS, () => {
      for (const peer of this.#init.network.peers()) this.#tell(peer)
      this.#repeat()
    })
  }

  /** Names our own runs to a peer. */
  #tell(peer: PeerId): void {
    for (const { run, offeredBy } of this.#entries.values()) {
      if (offeredBy === null) void this.#tellOf(run, peer, TELL_TRIES)
    }
  }

  async #tellOf(run: string, peer: PeerId, tries: number): Promise<void> {
    const { network, clock, log } = this.#init
    const entry = this.#entries.get(run)
    if (entry?.offeredBy !== null || !network.peers().includes(peer)) return
    try {
      await this.offerTo(peer, entry.manifest)
    } catch (error) {
      log?.(`cannot offer a run to ${peer}: ${error instanceof Error ? error.message : error}`)
      // A peer that has just started may be connected before it serves this protocol.
      const isRefused = error instanceof ProtocolError
      if (!isRefused && tries > 1) clock.after(TELL_AGAIN_MS, () => void this.#tellOf(run, peer, tries - 1))
    }
  }

  async *#answer(from: PeerId, body: Uint8Array): AsyncGenerator<Uint8Array> {
    const [word, manifest] = readFields(body, 2) ?? []
    const verb = word === undefined ? null : fieldText(word)
    if (verb === 'list') for (const offered of this.runs()) yield offered.manifest
    else if (verb === 'aged-list') {
      const nowMs = this.#init.clock.nowMs()
      for (const { manifest, offeredBy, offeredAtMs } of this.#entries.values()) {
        const ageMs = offeredBy === null ? 0 : nowMs - offeredAtMs
        yield lengthPrefixed(manifest, String(Math.ceil(ageMs / 1000)))
      }
    } else if (verb === 'offer' && manifest !== undefined) yield text(this.#take(from, manifest))
    else yield text('not a request of this protocol')
  }

  /** @returns `ok`, or why not */
  #take(from: PeerId, manifest: Uint8Array): string {
    const valid = this.#validate(manifest)
    if (valid === null) return 'not a validly signed manifest'
    const { run } = valid
    const known = this.#entries.get(run)
    if (known?.offeredBy === null) return 'ok'
    if (known === undefined) {
      const theirs = [...this.#entries.values()].filter(({ offeredBy }) => offeredBy === from)
      if (theirs.length >= OFFERED_RUNS_PER_PEER) {
        return `you offered ${theirs.length} runs already, which is the most that one peer may`
      }
      this.#makeRoom()
    }
    this.#expire(run, manifest, known?.offeredBy ?? from, 0)
    return 'ok'
  }

  #learn(from: PeerId, manifest: Uint8Array, ageMs: number): void {
    const valid = this.#validate(manifest)
    if (valid === null || ageMs >= OFFERED_RUN_TTL_MS) return
    const known = this.#entries.get(valid.run)
    if (known?.offeredBy === null) return
    const isNews = known === undefined || known.offeredAtMs < this.#init.clock.nowMs() - ageMs
    // What others have offered here is not given up for what somebody else lists.
    const hasRoom = known !== undefined || this.#entries.size < OFFERED_RUNS_MAX
    if (isNews && hasRoom) this.#expire(valid.run, manifest, known?.offeredBy ?? from, ageMs)
  }

  #expire(run: string, manifest: Uint8Array, offeredBy: PeerId, ageMs: number): void {
    const { clock } = this.#init
    const cancelExpiry = clock.after(OFFERED_RUN_TTL_MS - ageMs, () => this.#remove(run))
    const offeredAtMs = clock.nowMs() - ageMs
    this.#set({ run, manifest: manifest.slice(), offeredBy, offeredAtMs, cancelExpiry })
  }

  #makeRoom(): void {
    const others = [...this.#entries.values()].filter(({ offeredBy }) => offeredBy !== null)
    // In the order of their last offers, so the first is the one that expires first.
    if (others.length >= OFFERED_RUNS_MAX) this.#remove(others[0]!.run)
  }

  #set(entry: Entry): void {
    const known = this.#entries.get(entry.run)
    known?.cancelExpiry()
    this.#entries.delete(entry.run)
    this.#entries.set(entry.run, entry)
    if (known === undefined) this.#init.onRun?.(entry, true)
  }

  #remove(run: string): void {
    const entry = this.#entries.get(run)
    if (entry === undefined) return
    entry.cancelExpiry()
    this.#entries.delete(run)
    this.#init.onRun?.(entry, false)
  }

  #validate(manifest: Uint8Array): { readonly run: string } | null {
    return manifest.length > MANIFEST_BYTES ? null : this.#init.validateManifest(manifest)
  }
}

function text(characters: string): Uint8Array {
  return new TextEncoder().encode(characters)
}
