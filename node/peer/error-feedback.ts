/**
 * What this peer has not sent yet of its changes, under random-k (aggregation/random-k.ts). It is as private as a change
 * itself, stays on this peer's disk, and is written before the input that it goes with is announced: after a crash nothing is
 * sent twice.
 */
import type { AdapterLayout, Span } from '../../aggregation/adapter-layout.ts'
import { gatherSpans, scatterSpans } from '../../aggregation/adapter-layout.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { Compressed } from '../../aggregation/random-k.ts'
import { bytesOfLanes, lanesOfBytes } from '../../aggregation/ring.ts'
import { equalBytes } from '../../protocols/codec.ts'
import type { LinkBody } from '../../protocols/messages.js'
import type { Files, PeerId } from '../../protocols/ports.ts'
import type { AttemptId } from './journal-store.ts'

const HASH_BYTES = 32

/** What goes with one input. */
export interface Leftover {
  /** Of the factors that were trained. */
  readonly spans: readonly Span[]
  readonly compressed: Compressed
}

/** An input that was announced: whether it counts is not known yet. */
interface Announced {
  readonly id: AttemptId
  readonly spans: readonly Span[]
  /** Of these spans, if it does not. */
  readonly uncounted: Float32Array
}

export class ErrorFeedback {
  readonly #files: Files
  readonly #path: string
  readonly #crypto: Pick<CryptoSuite, 'sha256'>
  /** Shape [layout.length]: each factor keeps its own. */
  readonly #leftover: Float32Array
  #announced: Announced | null = null

  private constructor(
    files: Files,
    path: string,
    crypto: Pick<CryptoSuite, 'sha256'>,
    leftover: Float32Array
  ) {
    this.#files = files
    this.#path = path
    this.#crypto = crypto
    this.#leftover = leftover
  }

  /** @param warn - told if what is there cannot be used; it begins with nothing then. @throws FilesError */
  static async open(
    files: Files,
    path: string,
    layout: AdapterLayout,
    crypto: Pick<CryptoSuite, 'sha256'>,
    warn: (message: string) => void
  ): Promise<ErrorFeedback> {
    const leftover = new Float32Array(layout.length)
    const bytes = await files.read(path)
    const read = bytes === null ? null : decoded(bytes, layout.length, crypto)
    if (read !== null) leftover.set(read)
    else if (bytes !== null)
      warn(`${path} is damaged or of another adapter: what was not sent yet of earlier rounds is lost`)
    return new ErrorFeedback(files, path, crypto, leftover)
  }

  /** What is left over of the rounds before. @returns a copy, shape [sum of the spans' lengths] */
  of(spans: readonly Span[]): Float32Array {
    return gatherSpans(this.#leftover, spans)
  }

  /** To be called before the input is announced: on the disk when it returns. @throws FilesError */
  async announce(id: AttemptId, { spans, compressed }: Leftover): Promise<void> {
    scatterSpans(Float32Array.from(compressed.leftover), spans, this.#leftover)
    this.#announced?.uncounted.fill(0)
    this.#announced = { id, spans, uncounted: Float32Array.from(compressed.leftoverUncounted) }
    await this.#write()
  }

  /**
   * Takes the end of an attempt from its link. Whoever's input is not in the result keeps nothing of its change: it is made
   * anew, from other data.
   * @throws FilesError
   */
  async settle(
    { kind, round, attempt, survivors }: Pick<LinkBody, 'kind' | 'round' | 'attempt' | 'survivors'>,
    self: PeerId
  ): Promise<void> {
    const announced = this.#announced
    if (announced === null || announced.id.round !== round || announced.id.attempt !== attempt) return
    this.#announced = null
    const counts = kind === 'result' && survivors.some(({ peer }) => peer === self)
    if (!counts) scatterSpans(announced.uncounted, announced.spans, this.#leftover)
    announced.uncounted.fill(0)
    if (!counts) await this.#write()
  }

  /** Overwrites what is in memory; it is of no use after that. What is on the disk stays. */
  erase(): void {
    this.#leftover.fill(0)
    this.#announced?.uncounted.fill(0)
    this.#announced = null
  }

  async #write(): Promise<void> {
    const { buffer, byteOffset, length } = this.#leftover
    const values = bytesOfLanes(new Uint32Array(buffer, byteOffset, length))
    const bytes = new Uint8Array(HASH_BYTES + values.length)
    bytes.set(this.#crypto.sha256(values))
    bytes.set(values, HASH_BYTES)
    await this.#files.write(this.#path, bytes)
    bytes.fill(0)
  }
}

export function eraseLeftover({ compressed }: Leftover): void {
  for (const values of [compressed.sent, compressed.leftover, compressed.leftoverUncounted]) values.fill(0)
}

/** Null unless it is whole and of that length. */
function decoded(
  bytes: Uint8Array,
  length: number,
  crypto: Pick<CryptoSuite, 'sha256'>
): Float32Array | null {
  const values = bytes.subarray(HASH_BYTES)
  if (values.length !== 4 * length) return null
  if (!equalBytes(crypto.sha256(values), bytes.subarray(0, HASH_BYTES))) return null
  const words = lanesOfBytes(values, 32).slice()
  const floats = new Float32Array(words.buffer, 0, length)
  return floats.every(Number.isFinite) ? floats : null
}
