import type { Clock } from '../../protocols/ports.ts'

/** Longest delay that timers take: 2^31 - 1 ms; above it they fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** The machine's clock. Its timers keep the process alive until they ran or were cancelled. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      timer = setTimeout(
        () => (leftMs > TIMER_MAX_MS ? arm(leftMs - TIMER_MAX_MS) : run()),
        Math.min(Math.max(leftMs, 0), TIMER_MAX_MS)
      )
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  }
}
