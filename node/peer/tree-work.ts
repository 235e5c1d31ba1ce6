/**
 * What a peer does for the cohorts above it in a larger network: serve the sum of its own, pull the sums of others, add
 * them up. Sums are public, and are kept until the round after.
 */
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { addCohortSums, bytesOfCohortSum, cohortSumOfBytes } from '../../aggregation/cohort-sum.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import type { BlobExchange } from '../../protocols/blob-exchange.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Clock } from '../../protocols/ports.ts'
import type { AddedSums, Effect, RoundEvent } from '../round/round-types.ts'
import { type AttemptId, isBefore } from './journal-store.ts'
import { checkSum, serverStep } from './round-sum.ts'
import type { StateKeeper } from './state-keeper.ts'
import { sleep } from './waiting.ts'

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>

export interface TreeWorkPorts {
  readonly clock: Clock
  readonly run: RunContext
  readonly layout: AdapterLayout
  readonly blobs: BlobExchange
  readonly states: StateKeeper
  warn(message: string): void
}

/** A sum that no holder gives is asked for again after this long, doubling up to the second number. */
const PULL_RETRY_MS = { first: 500, longest: 8_000 }

interface AttemptSums {
  readonly id: AttemptId
  readonly stop: AbortController
  readonly addresses: Map<string, Uint8Array>
}

export class TreeWork {
  readonly #ports: TreeWorkPorts
  readonly #attempts = new Map<string, AttemptSums>()

  constructor(ports: TreeWorkPorts) {
    this.#ports = ports
  }

  /** Serves a sum that this peer has come to. @param integers - shape [lanes] @throws AggregationError RING_OVERFLOW */
  keep(
    id: AttemptId,
    integers: ArrayLike<number>
  ): { readonly address: Uint8Array; readonly lengthBytes: number } {
    const bytes = bytesOfCohortSum(integers)
    const address = this.#ports.blobs.put(bytes)
    this.#sums(id).addresses.set(toHex(address), address)
    return { address, lengthBytes: bytes.length }
  }

  /** Gets the sum of a cohort from any holder, however often it takes. @returns null if the attempt was over first */
  async pull(effect: EffectOf<'pull-sum'>): Promise<RoundEvent | null> {
    const { clock, blobs, warn } = this.#ports
    const { round, attempt, address, lengthBytes, holders } = effect
    const { stop, addresses } = this.#sums(effect)
    const { signal } = stop
    for (let waitMs = PULL_RETRY_MS.first; !signal.aborted; ) {
      try {
        const bytes = await blobs.pull(address, lengthBytes, holders, signal)
        if (signal.aborted) return null
        addresses.set(toHex(address), address)
        return { type: 'sum-held', round, attempt, address, isSound: this.#isSound(effect, bytes) }
      } catch (error) {
        if (signal.aborted) break
        if (waitMs === PULL_RETRY_MS.first)
          warn(`cannot get a cohort's sum yet: ${error instanceof Error ? error.message : String(error)}`)
        await sleep(clock, waitMs, signal)
        waitMs = Math.min(2 * waitMs, PULL_RETRY_MS.longest)
      }
    }
    return null
  }

  /** Whether so many survivors can have this sum: a cohort whose quorum lies moves the model no further than that. */
  #isSound({ encodedFor, completedRounds, survivors }: EffectOf<'pull-sum'>, bytes: Uint8Array): boolean {
    const { run, layout, states, warn } = this.#ports
    try {
      const kind = { encodedFor, completedRounds }
      checkSum(run, layout, states, kind, cohortSumOfBytes(bytes), survivors)
      return true
    } catch (error) {
      if (!(error instanceof AggregationError)) throw error
      warn(`the certified sum of a cohort is left out: ${error.message}`)
      return false
    }
  }

  /**
   * Adds up sums that are here; then serves theirs, or runs the server step.
   * @throws RangeError if one is not here: the machine asks only once all are
   */
  add(effect: EffectOf<'add-sums'>): RoundEvent {
    const { round, attempt, cohort, key } = effect
    const of = { type: 'sums-added', round, attempt, cohort, key } as const
    try {
      return { ...of, added: this.#added(effect) }
    } catch (error) {
      if (!(error instanceof AggregationError)) throw error
      // Everyone sees the same sums and comes to the same end.
      this.#ports.warn(`the sums of the cohorts cannot be added: ${error.message}`)
      return { ...of, added: 'failed' }
    }
  }

  #added(effect: EffectOf<'add-sums'>): AddedSums {
    const { run, layout, blobs, states } = this.#ports
    const { addresses, encodedFor, completedRounds, survivors, privacySpent, into } = effect
    const total = addCohortSums(
      addresses.map(address => {
        const bytes = blobs.get(address)
        if (bytes === null) throw new RangeError(`the cohort sum ${toHex(address)} is not here`)
        return cohortSumOfBytes(bytes)
      })
    )
    if (into === 'sum') return { type: 'sum', ...this.keep(effect, total) }
    const kind = { encodedFor, completedRounds }
    const outcome = serverStep(run, layout, states, kind, total, survivors, privacySpent)
    return { type: 'outcome', outcome }
  }

  /** Ends the work of the attempts before one, and lets go of their sums. */
  forgetBefore(id: AttemptId): void {
    for (const [key, sums] of this.#attempts) {
      if (!isBefore(sums.id, id)) continue
      this.#attempts.delete(key)
      sums.stop.abort()
      for (const address of sums.addresses.values()) this.#ports.blobs.drop(address)
    }
  }

  stop(): void {
    for (const { stop } of this.#attempts.values()) stop.abort()
  }

  #sums({ round, attempt }: AttemptId): AttemptSums {
    const key = `${round} ${attempt}`
    const known = this.#attempts.get(key)
    if (known !== undefined) return known
    const sums = { id: { round, attempt }, stop: new AbortController(), addresses: new Map() }
    this.#attempts.set(key, sums)
    return sums
  }
}
