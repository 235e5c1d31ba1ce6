/**
 * Checks a chain without the base model: every signature, every certificate, every list and cohort, as a peer does. Three
 * things it must take from the links, as they follow from the adapter's layout: the encoding of a round, the state before the
 * first one, and what noise is worth. A quorum of the cohort has signed them; whoever takes part checks them again.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { extendChain, foundChain } from '../protocols/chain.ts'
import type { ChainTip, RunContext } from '../protocols/chain-tip.ts'
import { decodeCanonical } from '../protocols/codec.ts'
import { ZERO_HASH } from '../protocols/envelope.ts'
import { fromHex } from '../protocols/hex.ts'
import { CertifiedLink, Decision, type LinkBody } from '../protocols/messages.js'
import { type RunManifest, runId } from '../protocols/run-manifest.ts'

export class ChainWitness {
  readonly id: Uint8Array
  readonly #manifest: RunManifest
  readonly #crypto: CryptoSuite

  /** @param manifest - of a checked signature */
  constructor(manifest: RunManifest, crypto: CryptoSuite) {
    this.#manifest = manifest
    this.#crypto = crypto
    this.id = runId(manifest, crypto.sha256)
  }

  /** Digest of the base that the manifest names. */
  get baseModel(): Uint8Array {
    return fromHex(this.#manifest.model.sha256)!
  }

  /**
   * @param tip - where the chain stands; null before its founding list
   * @param record - the founding list, or the next certified link
   * @throws ProtocolError BAD_LINK, BAD_MESSAGE, BAD_SIGNATURE
   */
  next(tip: ChainTip | null, record: Uint8Array): ChainTip {
    const crypto = this.#crypto
    if (tip === null) return foundChain(record, this.#contextFor(null), crypto)
    const { link } = decodeCanonical(
      Decision,
      decodeCanonical(CertifiedLink, record, 'certified link').decision,
      'decision'
    )
    const before = link !== undefined && isBeforeFirst(tip) ? { ...tip, stateHash: link.stateHash } : tip
    return extendChain(before, record, this.#contextFor(link ?? null), crypto).tip
  }

  #contextFor(link: LinkBody | null): RunContext {
    return {
      id: this.id,
      manifest: this.#manifest,
      baseModel: this.baseModel,
      initialStateHash: ZERO_HASH,
      encodingHashOf: () => link?.encodingHash ?? ZERO_HASH,
      mechanismOf: () => null,
      witness: { epsilonSpent: link?.epsilonSpent ?? 0 }
    }
  }
}

/** The state of such a chain is one that every peer makes for itself: its hash is not known here until a link names it. */
function isBeforeFirst({ stateHash }: ChainTip): boolean {
  return stateHash.every(byte => byte === 0)
}
