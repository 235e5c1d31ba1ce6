/** Live progress of a simulation: one line per round, and on a terminal one line that redraws itself. */
import { pauseWords } from '../../../protocols/pause.ts'
import type { PeerEvent } from '../../peer/peer-types.ts'
import type { Notice, RoundPhase } from '../../round/round-types.ts'
import type { Output } from '../output.ts'

const REDRAW_MS = 200

export class SimProgress {
  readonly #output: Output
  readonly #names: ReadonlyMap<string, string>
  readonly #live: boolean
  readonly #phases = new Map<string, RoundPhase>()
  #round = 0
  #rounds = 0
  #aggregator: string | null = null
  #stage = ''
  #done = 0
  #total = 0
  #bytes = 0
  #paused = ''
  readonly #blamed = new Set<string>()
  #drawnAtMs = 0
  #startedAtMs = performance.now()

  /** @param names - peer id -> client */
  constructor(output: Output, names: ReadonlyMap<string, string>, rounds: number) {
    this.#output = output
    this.#names = names
    this.#rounds = rounds
    this.#live = output.words.isTTY === true
  }

  nameOf(peer: string): string {
    return this.#names.get(peer) ?? `…${peer.slice(-6)}`
  }

  /** A stage outside the rounds (measuring the base, the baselines), with so many steps. */
  stage(name: string, total: number): void {
    this.#stage = name
    this.#done = 0
    this.#total = total
    this.#output.event({ event: 'stage', stage: name, steps: total })
    if (!this.#live) this.#output.say(name)
    this.#draw(true)
  }

  step(): void {
    this.#done++
    this.#draw(false)
  }

  take(peer: string, event: PeerEvent): void {
    if (event.type === 'training') this.#done++
    if (event.type === 'notice' && event.notice === 'phase') {
      this.#phases.set(peer, event.phase)
      this.#round = event.round
      this.#aggregator = event.aggregator ?? this.#aggregator
      const { phase, round, attempt, aggregator } = event
      this.#output.event({ event: 'phase', peer, phase, round, attempt, aggregator })
    } else if (event.type === 'notice' && event.notice === 'waiting') {
      const missing = event.missing.map(id => this.nameOf(id))
      const who = missing.length === 0 ? '' : `, missing ${missing.join(', ')}`
      this.#stage = `waiting for members: ${event.have} of ${event.need}${who}`
    } else if (event.type === 'notice' && event.notice === 'paused') this.#tellPaused(event)
    else if (event.type === 'notice' && event.notice === 'given-up') {
      const { round, attempt, kind, reason, missing } = event
      this.#output.event({ event: 'given-up', peer, round, attempt, kind, reason, missing })
    } else if (event.type === 'blamed') this.#tellBlamed(peer, event)
    else if (event.type === 'warning') this.line(`${this.nameOf(peer)}: ${event.message}`)
    else if (event.type === 'link') {
      for (const { sent } of Object.values(event.bytes)) this.#bytes += sent
    }
    this.#draw(false)
  }

  /** Every peer says it; one line is enough. */
  #tellBlamed(by: string, { peer, kind, what, round, attempt, file }: PeerEvent & { type: 'blamed' }): void {
    this.#output.event({ event: 'blamed', by, peer, kind, what, round, attempt, file })
    const text = `${this.nameOf(peer)} cheated in round ${round + 1}: ${what} (${file})`
    if (!this.#blamed.has(peer)) this.line(text)
    this.#blamed.add(peer)
  }

  #tellPaused({ pause, missing }: Notice & { notice: 'paused' }): void {
    const words = pauseWords(
      pause,
      missing.map(peer => this.nameOf(peer))
    )
    if (words === this.#paused) return
    this.#paused = words
    this.#output.event({ event: 'paused', ...pause, missing, words })
    this.line(words)
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear()
    this.#output.say(text)
    this.#draw(true)
  }

  clear(): void {
    if (this.#live) this.#output.words.write('\r\u001b[2K')
  }

  /** By all peers so far, above the encryption. */
  get sentBytes(): number {
    return this.#bytes
  }

  get seconds(): number {
    return (performance.now() - this.#startedAtMs) / 1000
  }

  #draw(always: boolean): void {
    if (!this.#live) return
    const nowMs = performance.now()
    if (!always && nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    const columns = (this.#output.words as NodeJS.WriteStream).columns ?? 80
    this.clear()
    this.#output.words.write(this.#text().slice(0, columns - 1))
  }

  #text(): string {
    const seconds = `${this.seconds.toFixed(0)} s`
    const steps = this.#total > 0 ? ` · step ${this.#done}/${this.#total}` : ''
    if (this.#phases.size === 0 || this.#stage !== 'federated') return `${seconds} · ${this.#stage}${steps}`
    const counts = new Map<RoundPhase, number>()
    for (const phase of this.#phases.values()) counts.set(phase, (counts.get(phase) ?? 0) + 1)
    const where = [...counts].map(([phase, peers]) => `${phase} ${peers}`).join(', ')
    const lead = this.#aggregator === null ? '' : ` · aggregator ${this.nameOf(this.#aggregator)}`
    const sent = ` · ${(this.#bytes / 1e6).toFixed(1)} MB sent`
    return `${seconds} · round ${this.#round + 1}/${this.#rounds} · ${where}${lead}${steps}${sent}`
  }
}
