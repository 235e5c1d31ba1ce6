/**
 * The unmasked sum of a round, which is public: a verifier serves it, and whoever does not verify makes the new state from
 * it. It is as long as one masked input, where a state is up to twelve times as long.
 */
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { lanesOfBytes } from '../../aggregation/ring.ts'
import type { BlobExchange } from '../../protocols/blob-exchange.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import { equalBytes } from '../../protocols/codec.ts'
import type { LinkBody } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { privacyTermsOf } from '../../protocols/privacy-account.ts'
import type { OfferedSum } from '../round/round-types.ts'
import { integersOfRound, serverStep } from './round-sum.ts'
import type { StateKeeper } from './state-keeper.ts'

export interface PublicSumPorts {
  readonly run: RunContext
  readonly layout: AdapterLayout
  readonly blobs: BlobExchange
  readonly states: StateKeeper
}

export class PublicSum {
  readonly #ports: PublicSumPorts
  /** Served until the next one is. */
  #address: Uint8Array | null = null

  constructor(ports: PublicSumPorts) {
    this.#ports = ports
  }

  /** @param bytes - packed lanes, changed no more @returns the address under which they are served */
  serve(bytes: Uint8Array): Uint8Array {
    const address = this.#ports.blobs.put(bytes)
    this.#keep(address)
    return address
  }

  /**
   * Gets the sum of a certified round from any of the holders, asked in that order.
   * @throws ProtocolError BLOB_UNAVAILABLE, BLOB_WRONG_LENGTH; the signal's reason
   */
  async pull(
    { address, lengthBytes }: OfferedSum,
    holders: () => readonly PeerId[],
    signal: AbortSignal
  ): Promise<Uint8Array> {
    return this.#ports.blobs.pull(address, lengthBytes, holders, signal)
  }

  /**
   * Runs the server step on the state that stands before the link; what comes of it, the state keeper has from then on.
   * @param bytes - of a sum that was pulled
   * @returns false if it is not the state that the link names: then whoever named this sum has lied
   */
  leadsTo(link: LinkBody, tip: ChainTip, address: Uint8Array, bytes: Uint8Array): boolean {
    const fits = equalBytes(this.#stateHashOf(link, tip, bytes) ?? new Uint8Array(), link.stateHash)
    // What nobody has agreed on is not passed on.
    if (fits) this.#keep(address)
    else this.#ports.blobs.drop(address)
    return fits
  }

  #stateHashOf(link: LinkBody, tip: ChainTip, bytes: Uint8Array): Uint8Array | null {
    const { run, layout, states } = this.#ports
    const { manifest } = run
    const kind = { encodedFor: link.cohort.length, completedRounds: link.completedRounds - 1 }
    const spent = tip.privacy && { epsilon: tip.privacy.epsilon, delta: privacyTermsOf(manifest)!.delta }
    try {
      const sum = lanesOfBytes(bytes, manifest.secureSum.ringBits)
      const integers = integersOfRound(run, layout, kind, sum)
      return serverStep(run, layout, states, kind, integers, link.survivors.length, spent).stateHash
    } catch (error) {
      if (error instanceof AggregationError) return null
      throw error
    }
  }

  #keep(address: Uint8Array): void {
    const before = this.#address
    this.#address = address
    if (before !== null && !equalBytes(before, address)) this.#ports.blobs.drop(before)
  }
}
