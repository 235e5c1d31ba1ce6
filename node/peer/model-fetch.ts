/**
 * Fetches the base model of a run from other peers: file by file, each from all who have it, going on from what an earlier
 * try has left. Meanwhile the files are shared with others who fetch them.
 */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { type BlobExchange, createBlobExchange, type UploadRates } from '../../protocols/blob-exchange.ts'
import type { BlobSink } from '../../protocols/blob-storage.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'
import { MODEL_ASK_MS } from '../../protocols/limits.ts'
import type { Redemption } from '../../protocols/messages.js'
import type { Clock, Network, PeerId } from '../../protocols/ports.ts'
import {
  decodeModelRequest,
  encodeFileList,
  isCovered,
  MODEL_PROTOCOL,
  MODEL_REQUEST_BYTES,
  type SharedFile
} from '../../protocols/shared-model.ts'
import { PeerError } from './errors.ts'
import { type FileOffer, ModelOffers } from './model-offers.ts'
import { sleep } from './waiting.ts'

/** One file on its way to the disk. */
export interface PartFile extends BlobSink {
  /** Of what is there. @throws FilesError; the signal's reason */
  sha256(signal: AbortSignal): Promise<Uint8Array>
  /** Makes it a file of the model: it is on the disk when this returns. @throws FilesError */
  keep(): Promise<void>
  /** Removes it. @throws FilesError */
  discard(): Promise<void>
  close(): Promise<void>
}

/** The folder that a model comes into. */
export interface ModelShelf {
  /** The SHA-256 of a file that is whole there, or null. @throws FilesError; the signal's reason */
  sha256Of(path: string, lengthBytes: number, signal: AbortSignal): Promise<Uint8Array | null>
  /** Bytes of a file on its way that are there already; 0 if it was not begun. */
  begunBytes(path: string, lengthBytes: number): Promise<number>
  /** @throws FilesError */
  begin(path: string, lengthBytes: number): Promise<PartFile>
  /** @throws FilesError NO_SPACE, saying how much is missing and where, if so many more bytes do not fit */
  checkRoom(bytes: number): Promise<void>
}

export interface ModelFetchPorts {
  readonly network: Network
  readonly clock: Clock
  readonly crypto: Pick<CryptoSuite, 'sha256'>
  readonly shelf: ModelShelf
  /** Who may have what has come so far: the peers of the run. */
  readonly allow: (peer: PeerId) => boolean
  readonly upload: UploadRates
  readonly log: (message: string) => void
  onNotice(text: string): void
  onProgress(progress: { readonly file: string; readonly doneBytes: number; readonly bytes: number }): void
}

export interface ModelWanted {
  /** [32]. */
  readonly sha256: Uint8Array
  /** For messages. */
  readonly name: string
  /** Shown to whoever is asked, if the run has still to let this peer in. */
  readonly redemption?: Redemption | undefined
}

/** Nobody who shares the model for this long: others may still be on their way to the run. */
const SEARCH_MS = 120_000

/** Tries of one file before the fetch fails: the holders of a file may all go for a while. */
const TRIES = 5

/**
 * Returns once every file is on the shelf with the content that the digest calls for.
 * @throws PeerError NO_BASE_MODEL; FilesError, also if there is no room; the signal's reason
 */
export async function fetchModel(
  ports: ModelFetchPorts,
  wanted: ModelWanted,
  signal: AbortSignal
): Promise<void> {
  const fetching = new Fetching(ports, wanted, signal)
  try {
    await fetching.run()
  } finally {
    await fetching.close()
  }
}

class Fetching {
  readonly #ports: ModelFetchPorts
  readonly #wanted: ModelWanted
  readonly #signal: AbortSignal
  readonly #blobs: BlobExchange
  readonly #offers: ModelOffers
  readonly #open: PartFile[] = []
  readonly #over = new AbortController()
  readonly #stopServing: () => void
  #list: Uint8Array | null = null

  constructor(ports: ModelFetchPorts, wanted: ModelWanted, signal: AbortSignal) {
    const { network, clock, crypto, allow, upload, log } = ports
    this.#ports = ports
    this.#wanted = wanted
    this.#signal = AbortSignal.any([signal, this.#over.signal])
    this.#offers = new ModelOffers({ network, crypto, log }, wanted)
    const onOffence = (peer: PeerId, reason: string, detail: string): void =>
      log(`${peer} ${detail} (${reason})`)
    this.#blobs = createBlobExchange({ network, clock, crypto, allow, onOffence, ...upload })
    const self = this
    this.#stopServing = network.serve(MODEL_PROTOCOL, MODEL_REQUEST_BYTES, async function* (from, body) {
      // Without a chain nobody can tell whether an invitation still stands: no guests here.
      const { sha256 } = decodeModelRequest(body)
      if (self.#list !== null && allow(from) && equalBytes(sha256, wanted.sha256)) yield self.#list
    })
  }

  async run(): Promise<void> {
    await this.#findSharers()
    void this.#keepAsking()
    const files = this.#chosenFiles()
    this.#list = encodeFileList({ files })
    await this.#checkRoom(files)
    for (const { path } of files) await this.#file(path)
  }

  async close(): Promise<void> {
    this.#over.abort(new Error('the model is no longer fetched'))
    this.#stopServing()
    this.#blobs.close()
    for (const part of this.#open.splice(0)) await part.close()
  }

  async #findSharers(): Promise<void> {
    const { clock, network, onNotice } = this.#ports
    const { name, sha256 } = this.#wanted
    const startMs = clock.nowMs()
    let isTold = false
    for (;;) {
      await this.#offers.ask(this.#signal)
      this.#signal.throwIfAborted()
      if (this.#offers.sharers.length > 0) return
      if (clock.nowMs() - startMs > SEARCH_MS) break
      if (!isTold) {
        isTold = true
        onNotice(
          this.#offers.preparing > 0
            ? `a peer that has ${name} reads it first; waiting for that`
            : `none of the ${network.peers().length} peers here shares ${name} yet; waiting for one that does`
        )
      }
      await sleep(clock, isTold ? MODEL_ASK_MS / 5 : 0, this.#signal)
      this.#signal.throwIfAborted()
    }
    throw new PeerError(
      'NO_BASE_MODEL',
      { sha256: toHex(sha256), peers: network.peers() },
      `no peer that is here shares the base model ${name}, sha256 ${toHex(sha256)} (asked for ${SEARCH_MS / 1000} s). ` +
        'Give --model the folder that has it, or ask a member of the run to join without --no-share-model.'
    )
  }

  /** Peers that come, and those that are done reading, join in. */
  async #keepAsking(): Promise<void> {
    while (!this.#signal.aborted) {
      await sleep(this.#ports.clock, MODEL_ASK_MS, this.#signal)
      if (!this.#signal.aborted) await this.#offers.ask(this.#signal)
    }
  }

  /** Small ones first: what is wrong with a config is told before the weights come. */
  #chosenFiles(): SharedFile[] {
    const files = this.#offers
      .paths()
      .filter(path => this.#offers.isUsual(path))
      .map(path => this.#offers.offersOf(path)[0]!.file)
    return files.sort((a, b) => a.bytes - b.bytes || (a.path < b.path ? -1 : 1))
  }

  async #checkRoom(files: readonly SharedFile[]): Promise<void> {
    const { shelf } = this.#ports
    let bytes = 0
    for (const file of files) bytes += file.bytes - (await shelf.begunBytes(file.path, file.bytes))
    await shelf.checkRoom(bytes)
  }

  async #file(path: string): Promise<void> {
    const { clock, log, onNotice } = this.#ports
    let failure: unknown = null
    for (let tries = 0; tries < TRIES; tries++) {
      // Those who said that there is such a file may have been found out since.
      if (!this.#offers.isUsual(path)) return
      for (const offer of this.#offers.offersOf(path)) {
        try {
          if (await this.#fetched(offer)) return
          this.#refuse(offer)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          if (error.code === 'BLOB_WRONG_LENGTH') this.#refuse(offer)
          failure = error
          log(error.message)
        }
      }
      onNotice(`nobody gives ${path} now; trying again`)
      this.#offers.askAgain()
      await sleep(clock, MODEL_ASK_MS * 2 ** tries, this.#signal)
      this.#signal.throwIfAborted()
    }
    throw new PeerError(
      'NO_BASE_MODEL',
      { sha256: toHex(this.#wanted.sha256), path },
      `${path} of the base model ${this.#wanted.name} cannot be had from the peers that are here. What has come is kept: ` +
        'the same command goes on from there. Or give --model the folder that has it.',
      { cause: failure }
    )
  }

  /** Others who fetch are told no more what turned out to be wrong. */
  #refuse(offer: FileOffer): void {
    this.#offers.refuse(offer)
    this.#list = this.#offers.sharers.length === 0 ? null : encodeFileList({ files: this.#chosenFiles() })
  }

  /** @returns false if the content is not what it should be: then nothing of it is left */
  async #fetched({ file }: FileOffer): Promise<boolean> {
    const { shelf, onProgress } = this.#ports
    const { path, bytes } = file
    const sha256 = fromHex(file.sha256)!
    const there = await shelf.sha256Of(path, bytes, this.#signal)
    if (there !== null && equalBytes(there, sha256)) return true
    const part = await shelf.begin(path, bytes)
    this.#open.push(part)
    const holders = (): PeerId[] => [
      ...(this.#offers.offersOf(path).find(offer => offer.file.address === file.address)?.sharers ?? [])
    ]
    onProgress({ file: path, doneBytes: Math.min(part.keptBytes, bytes), bytes })
    const address = fromHex(file.address)!
    await this.#blobs.fetch(address, part, holders, this.#signal, doneBytes =>
      onProgress({ file: path, doneBytes, bytes })
    )
    if (equalBytes(await part.sha256(this.#signal), sha256)) {
      await part.keep()
      if (!isCovered(path)) this.#ports.log(`${path} is as most peers have it: the digest does not cover it`)
      return true
    }
    this.#blobs.drop(address)
    await part.discard()
    return false
  }
}
