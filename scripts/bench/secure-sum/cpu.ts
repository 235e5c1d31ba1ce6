export interface Timed<T> {
  readonly ms: number
  readonly value: T
}

/** CPU time of this process, all its threads, in milliseconds: other programs on the machine do not count. */
export async function cpuMs<T>(work: () => T | Promise<T>): Promise<Timed<T>> {
  const before = process.cpuUsage()
  const value = await work()
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1000, value }
}

/** What is over sooner is repeated more often: one interruption would be most of its time. */
const LEAST_MS = 200
const MOST_REPEATS = 20

/** The fastest of some repetitions, or of more if they are short. */
export async function fastest<T>(repeats: number, work: () => T | Promise<T>): Promise<Timed<T>> {
  let best = await cpuMs(work)
  let totalMs = best.ms
  for (let i = 1; i < repeats || (totalMs < LEAST_MS && i < MOST_REPEATS); i++) {
    const next = await cpuMs(work)
    totalMs += next.ms
    if (next.ms < best.ms) best = next
  }
  return best
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
