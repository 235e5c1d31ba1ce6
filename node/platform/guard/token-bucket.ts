import type { Clock } from '../../../protocols/ports.ts'

/** How much at once, and how much each second for as long as one likes. */
export interface Allowance {
  readonly burst: number
  readonly perSecond: number
}

/** RFC 2697's idea with one bucket: a burst is paid for by the quiet before it. */
export class TokenBucket {
  readonly #allowance: Allowance
  readonly #clock: Clock
  #tokens: number
  #atMs: number

  constructor(allowance: Allowance, clock: Clock) {
    this.#allowance = allowance
    this.#clock = clock
    this.#tokens = allowance.burst
    this.#atMs = clock.nowMs()
  }

  /** @returns false, and takes nothing, if there is not so much left */
  take(count: number): boolean {
    this.#refill()
    if (count > this.#tokens) return false
    this.#tokens -= count
    return true
  }

  /** Nothing was taken for so long that it says the same as a new one. */
  get isFull(): boolean {
    this.#refill()
    return this.#tokens === this.#allowance.burst
  }

  #refill(): void {
    const nowMs = this.#clock.nowMs()
    const { burst, perSecond } = this.#allowance
    const gained = (Math.max(0, nowMs - this.#atMs) / 1000) * perSecond
    this.#tokens = Math.min(burst, this.#tokens + gained)
    this.#atMs = nowMs
  }
}
