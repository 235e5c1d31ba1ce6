/** Who is kept out, until when and why. Kept by whoever runs the process (`ban-file.ts`), asked at every door. */
import { isPeerId } from '../../../protocols/peer-id.ts'
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import { type AddressBlock, parseBlock } from './ip-address.ts'

export interface Ban {
  /** A peer id, an IP address or a block of them in CIDR notation. */
  readonly subject: string
  readonly reason: string
  readonly by: 'person' | 'automatic'
  readonly sinceMs: number
  /** Null: until it is lifted. */
  readonly untilMs: number | null
  /** How often in a row it was banned automatically. */
  readonly times: number
}

/** Entries in all: some 250 bytes each on the disk. Whoever bans more wants a block of addresses. */
export const BANS_MAX = 4_096

export const REASON_CHARACTERS = 200

/** First automatic ban. Long enough to end a flood, short enough for a peer that was updated meanwhile. */
const FIRST_BAN_MS = 60_000

/** No automatic ban is longer. */
const LONGEST_BAN_MS = 24 * 3_600_000

/** Good behaviour for this long after a ban, and the next one is short again. */
const REMEMBERED_MS = 24 * 3_600_000

interface Entry {
  readonly ban: Ban
  readonly block: AddressBlock | null
}

/** @returns the subject as it is written down, or null for what can not be banned */
export function banSubject(text: string): string | null {
  return isPeerId(text) ? text : (parseBlock(text)?.text ?? null)
}

export class BanList {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #watchers = new Set<{ readonly handle: (by: Ban['by']) => void }>()

  constructor(clock: Clock, bans: readonly Ban[] = []) {
    this.#clock = clock
    for (const ban of bans) this.#set(ban)
  }

  /** By a person, for a time or until it is lifted; takes the place of an earlier ban of the same. */
  ban(subject: string, reason: string, forMs: number | null): Ban {
    const sinceMs = this.#clock.nowMs()
    const untilMs = forMs === null ? null : sinceMs + forMs
    const ban: Ban = { subject, reason, by: 'person', sinceMs, untilMs, times: 0 }
    this.#makeRoom()
    this.#set(ban)
    this.#tell('person')
    return ban
  }

  /** By this process: a minute first, and twice as long each time that it has learnt nothing. */
  banForNow(peer: PeerId, reason: string): Ban {
    const before = this.#entries.get(peer)?.ban
    // A person's word stands.
    if (before?.by === 'person' && this.#isActive(before)) return before
    const nowMs = this.#clock.nowMs()
    const times = (before?.times ?? 0) + 1
    const lengthMs = Math.min(LONGEST_BAN_MS, FIRST_BAN_MS * 2 ** (times - 1))
    const ban: Ban = {
      subject: peer,
      reason,
      by: 'automatic',
      sinceMs: nowMs,
      untilMs: nowMs + lengthMs,
      times
    }
    this.#makeRoom()
    this.#set(ban)
    this.#tell('automatic')
    return ban
  }

  /** @returns false if it was not banned */
  unban(subject: string): boolean {
    const entry = this.#entries.get(subject)
    if (entry === undefined) return false
    this.#entries.delete(subject)
    this.#tell('person')
    return this.#isActive(entry.ban)
  }

  ofPeer(peer: PeerId): Ban | null {
    const ban = this.#entries.get(peer)?.ban
    return ban !== undefined && this.#isActive(ban) ? ban : null
  }

  ofAddress(ip: string): Ban | null {
    for (const { ban, block } of this.#entries.values()) {
      if (block?.contains(ip) && this.#isActive(ban)) return ban
    }
    return null
  }

  /** Those in force, oldest first. */
  active(): Ban[] {
    return [...this.#entries.values()].map(({ ban }) => ban).filter(ban => this.#isActive(ban))
  }

  /** Those in force, and the automatic ones whose repetition would count. */
  kept(): Ban[] {
    this.#forget()
    return [...this.#entries.values()].map(({ ban }) => ban)
  }

  /** @returns a function that ends it */
  onChange(handle: (by: Ban['by']) => void): () => void {
    const entry = { handle }
    this.#watchers.add(entry)
    return () => void this.#watchers.delete(entry)
  }

  #set(ban: Ban): void {
    this.#entries.delete(ban.subject)
    this.#entries.set(ban.subject, { ban, block: isPeerId(ban.subject) ? null : parseBlock(ban.subject) })
  }

  #isActive({ untilMs }: Ban): boolean {
    return untilMs === null || untilMs > this.#clock.nowMs()
  }

  #forget(): void {
    const nowMs = this.#clock.nowMs()
    for (const [subject, { ban }] of this.#entries) {
      if (ban.untilMs === null) continue
      const untilMs = ban.untilMs + (ban.by === 'automatic' ? REMEMBERED_MS : 0)
      if (untilMs <= nowMs) this.#entries.delete(subject)
    }
  }

  /** What a person said gives way last. */
  #makeRoom(): void {
    if (this.#entries.size < BANS_MAX) return
    this.#forget()
    if (this.#entries.size < BANS_MAX) return
    const bans = [...this.#entries.values()].map(({ ban }) => ban)
    const first = bans.find(({ by }) => by === 'automatic') ?? bans[0]!
    this.#entries.delete(first.subject)
  }

  #tell(by: Ban['by']): void {
    for (const { handle } of [...this.#watchers]) handle(by)
  }
}
