/** How many lines of one kind a log gets: others decide how often they misbehave, and must not fill our disk with it. */

/** Two a second: a large cohort that comes and goes at once fits; a flood shows itself by its first lines and its counts. */
const LINES_PER_MINUTE = 120

const MINUTE_MS = 60_000

interface Spent {
  readonly sinceMs: number
  lines: number
  suppressed: number
}

export class LineBudget {
  /** By kind: kinds are words of ours, so there are few. */
  readonly #spent = new Map<string, Spent>()

  /** @returns null if this line is too many, else how many were left out since the last one */
  admit(kind: string, nowMs: number): number | null {
    const spent = this.#spent.get(kind)
    if (spent === undefined || nowMs - spent.sinceMs >= MINUTE_MS || nowMs < spent.sinceMs) {
      this.#spent.set(kind, { sinceMs: nowMs, lines: 1, suppressed: 0 })
      return spent?.suppressed ?? 0
    }
    if (spent.lines >= LINES_PER_MINUTE) {
      spent.suppressed++
      return null
    }
    spent.lines++
    return 0
  }
}
