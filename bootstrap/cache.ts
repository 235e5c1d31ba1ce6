/**
 * What a coordinator keeps of the runs that let it in, so that a peer which was away for a week catches up while all others
 * sleep: chains that hold, and the state after the last link of each. In memory, within a bound; it is asked for by the same
 * protocols as every peer, and whoever takes it checks it again.
 */
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import { type BlobExchange, createBlobExchange } from '../protocols/blob-exchange.ts'
import { ADDRESS_BYTES, BLOB_PROTOCOL } from '../protocols/blob-messages.ts'
import { contextOfTip } from '../protocols/chain.ts'
import type { ChainTip } from '../protocols/chain-tip.ts'
import { decodeCanonical } from '../protocols/codec.ts'
import { sealMessage } from '../protocols/envelope.ts'
import { toHex } from '../protocols/hex.ts'
import { CACHE_TIP_MS, CACHED_RUNS_MAX, REQUEST_BODY_BYTES } from '../protocols/limits.ts'
import { ChainRequest, Tip } from '../protocols/messages.js'
import type { Clock, Network, PeerId } from '../protocols/ports.ts'
import type { RunManifest } from '../protocols/run-manifest.ts'
import { CHAIN_PROTOCOL, topicOfRun } from '../protocols/run-protocols.ts'
import { verifyManifest } from '../protocols/signed-manifest.ts'
import { ChainWitness } from './chain-witness.ts'
import { RunCache } from './run-cache.ts'

export interface CacheInit {
  readonly network: Network
  readonly clock: Clock
  readonly crypto: CryptoSuite
  /** Of the identity behind `network.peerId`. */
  readonly signer: Signer
  /** Whether a run's peers serve that peer, by its chain as far as it is known. */
  readonly mayTakePart: (manifest: RunManifest, tip: ChainTip | null, peer: PeerId) => boolean
  /** Of all runs together. */
  readonly maxBytes: number
  readonly log: (message: string) => void
}

export interface CachedRun {
  readonly run: string
  /** Of the chain that is kept; null before its founding list is here. */
  readonly height: number | null
  readonly completedRounds: number
  readonly members: readonly PeerId[]
  /** The state after the last link is here too. */
  readonly isWhole: boolean
  readonly bytes: number
}

interface Kept {
  readonly manifest: RunManifest
  readonly cache: RunCache
  readonly witness: ChainWitness
}

export class CoordinatorCache {
  readonly #init: CacheInit
  readonly #runs = new Map<string, Kept>()
  readonly #blobs: BlobExchange
  readonly #stopServing: () => void
  #cancelTips = (): void => {}
  #bytes = 0

  constructor(init: CacheInit) {
    this.#init = init
    const { network, clock, crypto, maxBytes } = init
    this.#blobs = createBlobExchange({
      network: this.#guarded(network),
      clock,
      crypto,
      allow: () => true,
      maxBlobBytes: maxBytes
    })
    this.#stopServing = network.serve(CHAIN_PROTOCOL, REQUEST_BODY_BYTES, (from, body) =>
      this.#answer(from, body)
    )
    this.#announce()
  }

  /** Of all runs that are listed and let this coordinator in. */
  runs(): CachedRun[] {
    return [...this.#runs].map(([run, { cache }]) => ({
      run,
      height: cache.tip?.height ?? null,
      completedRounds: cache.tip?.completedRounds ?? 0,
      members: cache.tip?.members ?? [],
      isWhole: cache.isWhole,
      bytes: cache.bytes
    }))
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A run has come onto the list. */
  add(run: string, signedManifest: Uint8Array): void {
    const { network, clock, crypto, mayTakePart, log } = this.#init
    const manifest = verifyManifest(signedManifest, crypto)
    if (!mayTakePart(manifest, null, network.peerId) || this.#runs.size >= CACHED_RUNS_MAX) return
    const witness = new ChainWitness(manifest, crypto)
    const cache = new RunCache({
      network,
      clock,
      witness,
      blobs: this.#blobs,
      reserve: bytes => this.#reserve(bytes),
      release: bytes => {
        this.#bytes -= bytes
      },
      log
    })
    this.#runs.set(run, { manifest, cache, witness })
  }

  /** It has left the list. */
  remove(run: string): void {
    this.#runs.get(run)?.cache.close()
    this.#runs.delete(run)
  }

  /** A peer says how long its chain is. */
  heard(run: string, peer: PeerId, height: number): void {
    if (height >= 0) this.#runs.get(run)?.cache.heard(peer, height)
  }

  close(): void {
    this.#cancelTips()
    this.#stopServing()
    for (const run of [...this.#runs.keys()]) this.remove(run)
    this.#blobs.close()
  }

  /** First come, first kept: a run that does not fit is not worth throwing out another one that peers may need. */
  #reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#init.maxBytes) return false
    this.#bytes += bytes
    return true
  }

  async *#answer(from: PeerId, body: Uint8Array): AsyncGenerator<Uint8Array> {
    const { run, fromHeight } = decodeCanonical(ChainRequest, body, 'chain request')
    const kept = this.#runs.get(toHex(run))
    if (kept !== undefined && this.#init.mayTakePart(kept.manifest, kept.cache.tip, from))
      yield* kept.cache.records(fromHeight)
  }

  /** One exchange serves the states of all runs, and each only to those who may take part in its run. */
  #guarded(network: Network): Network {
    const mayHave = (peer: PeerId, address: Uint8Array): boolean =>
      [...this.#runs.values()].some(
        ({ cache, manifest }) => cache.holds(address) && this.#init.mayTakePart(manifest, cache.tip, peer)
      )
    return {
      peerId: network.peerId,
      publish: (topic, data) => network.publish(topic, data),
      subscribe: (topic, handle) => network.subscribe(topic, handle),
      peers: () => network.peers(),
      request: (to, protocol, body, options) => network.request(to, protocol, body, options),
      serve: (protocol, maxBodyBytes, handle) =>
        network.serve(protocol, maxBodyBytes, async function* (from, body) {
          if (protocol === BLOB_PROTOCOL && !mayHave(from, body.subarray(0, ADDRESS_BYTES))) return
          yield* handle(from, body)
        }),
      onPeer: handle => network.onPeer(handle),
      close: () => network.close()
    }
  }

  /** Says how far each run is known here, as its members do: whoever is behind asks whoever says most. */
  #announce(): void {
    const { clock, network, log } = this.#init
    this.#cancelTips = clock.after(CACHE_TIP_MS, () => {
      for (const { cache, witness } of this.#runs.values()) {
        if (!cache.isWhole) continue
        network
          .publish(topicOfRun(witness.id), this.#tipOf(cache, witness))
          .catch(error =>
            log(`cannot say how far a run is: ${error instanceof Error ? error.message : error}`)
          )
      }
      this.#announce()
    })
  }

  #tipOf(cache: RunCache, witness: ChainWitness): Uint8Array {
    const { height, linkHash, end } = cache.tip!
    const context = contextOfTip(cache.tip, witness)
    const payload = Tip.encode({ height, linkHash, phase: end === null ? 'Following' : 'Finished' })
    return sealMessage('tip', context, payload, this.#init.signer, this.#init.crypto).bytes
  }
}
