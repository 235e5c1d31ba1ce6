import type { Clock } from '../protocols/ports.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/**
 * Time that moves only when it is told to. Timers of the same millisecond run in the order in which they were set,
 * and everything that their promises lead to is done before the next one: a run is a function of its seed.
 * Whatever waits for the real world (files, workers, sockets) is not waited for.
 */
export class VirtualClock implements Clock {
  #nowMs: number
  #order = 0
  /** A binary heap by (atMs, order). A cancelled timer stays in it until its time and is passed over. */
  readonly #heap: Timer[] = []
  readonly #live = new Set<Timer>()

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run }
    this.#live.add(timer)
    this.#push(timer)
    return () => void this.#live.delete(timer)
  }

  /** Timers that have yet to run. */
  get pending(): number {
    return this.#live.size
  }

  /** Lets `ms` milliseconds pass, with every timer that falls due on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    while (await this.#step(endMs));
    this.#nowMs = Math.max(this.#nowMs, endMs)
  }

  /**
   * Lets time pass until `done()`, asked after every timer.
   * @returns false if no timer is left, or `limitMs` have passed, before that
   */
  async runUntil(done: () => boolean, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const endMs = this.#nowMs + limitMs
    await settle()
    while (!done()) if (!(await this.#step(endMs))) return done()
    return true
  }

  /** Runs every timer, however late. A timer that sets itself again needs `runUntil`. */
  async runUntilIdle(): Promise<void> {
    await this.runUntil(() => false)
  }

  /** Runs the next timer due at `endMs` or before. */
  async #step(endMs: number): Promise<boolean> {
    let next = this.#heap[0]
    while (next !== undefined && !this.#live.has(next)) {
      this.#pop()
      next = this.#heap[0]
    }
    if (next === undefined || next.atMs > endMs) return false
    this.#pop()
    this.#live.delete(next)
    this.#nowMs = next.atMs
    next.run()
    await settle()
    return true
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent]!, timer)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** Every promise chain that is under way ends before the event loop gets to an immediate. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
