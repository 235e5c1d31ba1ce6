/**
 * Keeps this process up when others are hostile: who may connect, what each peer may take, and one score for all that it
 * does wrong. docs/hostile-peers.md has the whole picture.
 */
import type { Connection, ConnectionGater } from '@libp2p/interface'
import { BLOB_PROTOCOL } from '../../../protocols/blob-messages.ts'
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import type { BanList } from './ban-list.ts'
import { ConnectionGuard } from './connection-guard.ts'
import type { GuardLimits } from './guard-limits.ts'
import { ipOf } from './ip-address.ts'
import {
  CUT_OFF_POINTS,
  OFFENCE_POINTS,
  type Offence,
  type OffenceReason,
  REFUSED_POINTS
} from './offences.ts'
import { openAccount, type PeerAccount, watchConnection } from './peer-account.ts'
import { PeerScores } from './peer-scores.ts'
import { TokenBucket } from './token-bucket.ts'

export interface PeerGuardInit {
  readonly clock: Clock
  readonly limits: GuardLimits
  readonly bans: BanList
  readonly onOffence?: ((offence: Offence) => void) | undefined
  readonly log: (message: string) => void
}

const SWEEP_MS = 1_000

/** One line for each peer and reason in this time: a log that a peer can fill is an attack too. */
const QUIET_MS = 60_000

/** A peer that was not heard for this long has gone, or sleeps: what waits for it is no offence. Two keep-alives. */
const SILENT_MS = 65_000

export class PeerGuard {
  readonly #init: PeerGuardInit
  readonly #scores: PeerScores
  readonly #connections: ConnectionGuard
  readonly #accounts = new Map<PeerId, PeerAccount>()
  readonly #toldMs = new Map<string, number>()
  readonly #lines: TokenBucket
  readonly #relayedMessages: TokenBucket
  readonly #relayedBytes: TokenBucket
  readonly #stopWatching: () => void
  #cancelSweep = (): void => {}

  constructor(init: PeerGuardInit) {
    this.#init = init
    const { clock, limits, bans, log } = init
    this.#scores = new PeerScores(clock)
    this.#lines = new TokenBucket(limits.lines, clock)
    this.#relayedMessages = new TokenBucket(limits.relayedMessages, clock)
    this.#relayedBytes = new TokenBucket(limits.relayedBytes, clock)
    this.#connections = new ConnectionGuard({
      clock,
      limits,
      bans,
      log,
      onTooMany: peer => this.offend(peer, 'connection-quota')
    })
    this.#stopWatching = bans.onChange(() => this.#enforceBans())
    this.#scheduleSweep()
  }

  get gater(): ConnectionGater {
    return this.#connections.gater
  }

  gossipScoreOf(peer: PeerId): number {
    return this.#scores.gossipScoreOf(peer)
  }

  isBanned(peer: PeerId): boolean {
    return this.#init.bans.ofPeer(peer) !== null
  }

  /** Tell it of every connection that is up. */
  opened(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const account = this.#accountOf(peer)
    account.connections.add(connection)
    connection.addEventListener('close', () => account.connections.delete(connection), { once: true })
    if (connection.status !== 'open') account.connections.delete(connection)
    const { limits, clock } = this.#init
    watchConnection(connection, account, limits, clock, (reason, detail) => this.offend(peer, reason, detail))
    // Its oldest connections may be dead, and nobody has noticed.
    const excess = [...account.connections].slice(0, -limits.connectionsPerPeer)
    for (const old of excess) {
      old.abort(new Error('the peer has newer connections'))
      this.offend(peer, 'connection-quota')
    }
  }

  /** @returns false if its requests are not answered now */
  admitsRequest(peer: PeerId, protocol: string): boolean {
    if (this.isBanned(peer)) return false
    if (this.#scores.pointsOf(peer) >= REFUSED_POINTS) {
      // Or whoever is refused could go on for ever.
      this.offend(peer, 'request-quota', 'it is refused for a while')
      return false
    }
    // A blob at full speed is hundreds of requests a second: its bytes are measured, by the blob exchange.
    if (protocol === BLOB_PROTOCOL || this.#accountOf(peer).requests.take(1)) return true
    this.offend(peer, 'request-quota')
    return false
  }

  /** Whether to look at a message that a peer passes on to us. */
  admitsGossip(relay: PeerId): boolean {
    if (this.isBanned(relay)) return false
    if (this.#accountOf(relay).gossipMessages.take(1)) return true
    this.offend(relay, 'gossip-quota')
    return false
  }

  /** Whether to look at so many subscriptions and ids of messages. */
  admitsControl(peer: PeerId, count: number): boolean {
    if (count === 0 || this.#accountOf(peer).control.take(count)) return true
    this.offend(peer, 'gossip-quota', `${count} subscriptions and ids`)
    return false
  }

  /** It sent a message on a topic that nobody here has subscribed to. */
  strayed(peer: PeerId): void {
    if (!this.#accountOf(peer).strayMessages.take(1)) this.offend(peer, 'gossip-quota', 'on other topics')
  }

  /** Whether to look at a message of whoever signed it, and to pass it on. */
  admitsPublished(publisher: PeerId, bytes: number): boolean {
    if (this.isBanned(publisher)) return false
    const { publishedMessages, publishedBytes } = this.#accountOf(publisher)
    if (!publishedMessages.take(1) || !publishedBytes.take(bytes)) {
      this.offend(publisher, 'gossip-quota', 'published')
      return false
    }
    // Too much from all together is nobody's fault: what goes no further here finds other ways.
    return this.#relayedMessages.take(1) && this.#relayedBytes.take(bytes)
  }

  /** A frame of its answer came, or its answer's end. */
  answered(peer: PeerId): void {
    this.#accountOf(peer).unanswered = 0
  }

  /** It let our request run out of time. Many in a row, and its connections are made anew. */
  unanswered(peer: PeerId): void {
    const account = this.#accountOf(peer)
    if (++account.unanswered < this.#init.limits.unanswered || account.connections.size === 0) return
    account.unanswered = 0
    this.#cut(peer, 'no-answer')
  }

  /**
   * It did not write or read in time.
   * @param sinceMs - when that began
   */
  stalled(peer: PeerId, reason: 'slow-writing' | 'slow-reading', sinceMs: number): void {
    const { heardMs, connections } = this.#accountOf(peer)
    const nowMs = this.#init.clock.nowMs()
    // Not heard in the second half of that time: it has gone, sleeps, or the network between is cut.
    if (connections.size === 0 || heardMs < (sinceMs + nowMs) / 2) return
    this.offend(peer, reason)
  }

  offend(peer: PeerId, reason: OffenceReason, detail = ''): void {
    if (this.isBanned(peer)) return
    const points = this.#scores.add(peer, OFFENCE_POINTS[reason])
    if (points >= CUT_OFF_POINTS) {
      this.#ban(peer, reason, detail)
      return
    }
    this.#note(`offence of ${peer}: ${reason}${detail === '' ? '' : ` (${detail})`}`, `${peer} ${reason}`)
    this.#init.onOffence?.({ peer, reason, cutOff: false })
  }

  close(): void {
    this.#cancelSweep()
    this.#stopWatching()
  }

  #ban(peer: PeerId, reason: OffenceReason, detail: string): void {
    this.#scores.forget(peer)
    const { untilMs } = this.#init.bans.banForNow(peer, reason)
    const seconds = untilMs === null ? null : Math.round((untilMs - this.#init.clock.nowMs()) / 1000)
    this.#cut(peer, reason, ` and banned for ${seconds} s${detail === '' ? '' : ` (${detail})`}`)
  }

  #cut(peer: PeerId, reason: OffenceReason, more = ''): void {
    this.#say(`cut off ${peer}: ${reason}${more}`)
    this.#abort(peer, new Error(`cut off: ${reason}`))
    this.#init.onOffence?.({ peer, reason, cutOff: true })
  }

  #abort(peer: PeerId, error: Error): void {
    for (const connection of [...(this.#accounts.get(peer)?.connections ?? [])]) {
      try {
        connection.abort(error)
      } catch (cause) {
        this.#init.log(
          `cannot close a connection to ${peer}: ${cause instanceof Error ? cause.message : cause}`
        )
      }
    }
  }

  #enforceBans(): void {
    const { bans } = this.#init
    for (const [peer, { connections }] of this.#accounts) {
      for (const connection of [...connections]) {
        const ip = ipOf(connection.remoteAddr)
        const isKeptOut = bans.ofPeer(peer) !== null || (ip !== null && bans.ofAddress(ip) !== null)
        if (isKeptOut) connection.abort(new Error('banned'))
      }
    }
  }

  #scheduleSweep(): void {
    this.#cancelSweep = this.#init.clock.after(SWEEP_MS, () => {
      this.#sweep()
      this.#scheduleSweep()
    })
  }

  #sweep(): void {
    const { limits, clock } = this.#init
    const held: Array<{ readonly peer: PeerId; readonly bytes: number }> = []
    for (const [peer, account] of this.#accounts) {
      if (account.connections.size === 0 && account.isIdle) this.#accounts.delete(peer)
      const bytes = account.heldBytes()
      if (bytes > limits.memoryPerPeer)
        this.#tooMuch(peer, bytes, clock.nowMs() - account.heardMs > SILENT_MS)
      else if (bytes > 0) held.push({ peer, bytes })
    }
    let sum = held.reduce((total, { bytes }) => total + bytes, 0)
    held.sort((a, b) => b.bytes - a.bytes)
    for (const { peer, bytes } of held) {
      if (sum <= limits.memory) break
      // Each within its own measure: it is too much together only, so nobody is banned.
      this.#cut(peer, 'memory-quota', `: ${bytes} bytes of ${sum} that wait for all peers`)
      sum -= bytes
    }
    this.#connections.sweep()
    const nowMs = clock.nowMs()
    for (const [key, atMs] of this.#toldMs) if (nowMs - atMs > QUIET_MS) this.#toldMs.delete(key)
  }

  #tooMuch(peer: PeerId, bytes: number, isSilent: boolean): void {
    if (isSilent) this.#cut(peer, 'memory-quota', `: ${bytes} bytes wait for it, and it is not heard`)
    else this.offend(peer, 'memory-quota', `${bytes} bytes wait`)
  }

  #accountOf(peer: PeerId): PeerAccount {
    const known = this.#accounts.get(peer)
    if (known !== undefined) return known
    const account = openAccount(this.#init.limits, this.#init.clock)
    this.#accounts.set(peer, account)
    return account
  }

  #note(text: string, key: string): void {
    if (this.#toldMs.has(key)) return
    this.#toldMs.set(key, this.#init.clock.nowMs())
    this.#say(text)
  }

  /** Names cost nothing: under ever new ones, lines would fill a disk. */
  #say(text: string): void {
    if (this.#lines.take(1)) this.#init.log(text)
  }
}
