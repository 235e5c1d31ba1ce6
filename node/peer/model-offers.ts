/** What the peers of a run say about the files of its base model: who shares it, and whom to believe. */

import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { MODEL_LIST_BYTES, MODEL_SHARERS_MAX, REQUEST_TIMEOUT_MS } from '../../protocols/limits.ts'
import type { Network, PeerId } from '../../protocols/ports.ts'
import {
  decodeFileList,
  encodeModelRequest,
  isCovered,
  MODEL_PROTOCOL,
  type ModelRequest,
  provesModel,
  type SharedFile
} from '../../protocols/shared-model.ts'

export interface ModelOffersPorts {
  readonly network: Pick<Network, 'peerId' | 'peers' | 'request' | 'blame'>
  readonly crypto: Pick<CryptoSuite, 'sha256'>
  readonly log: (message: string) => void
}

/** One content that a file may have, and who says so. */
export interface FileOffer {
  readonly file: SharedFile
  readonly sharers: readonly PeerId[]
}

export class ModelOffers {
  readonly #ports: ModelOffersPorts
  readonly #wanted: ModelRequest
  readonly #lists = new Map<PeerId, readonly SharedFile[]>()
  readonly #liars = new Set<PeerId>()
  /** Those that have said, and are to be asked once more. */
  #again: ReadonlySet<PeerId> = new Set()
  /** Peers that share the model but were still reading it. */
  #preparing = 0

  constructor(ports: ModelOffersPorts, wanted: ModelRequest) {
    this.#ports = ports
    this.#wanted = wanted
  }

  get sharers(): PeerId[] {
    return [...this.#lists.keys()]
  }

  get preparing(): number {
    return this.#preparing
  }

  /** What was said stands; but whoever has started anew since does not know that it may serve us until it is asked. */
  askAgain(): void {
    this.#again = new Set(this.#lists.keys())
  }

  /** Asks everyone who is connected and has not said yet. */
  async ask(signal: AbortSignal): Promise<void> {
    const { network } = this.#ports
    const open = network
      .peers()
      .filter(peer => peer !== network.peerId && !this.#lists.has(peer) && !this.#liars.has(peer))
      .slice(0, MODEL_SHARERS_MAX - this.#lists.size)
    const here = new Set(network.peers())
    open.push(...[...this.#again].filter(peer => here.has(peer) && this.#lists.has(peer)))
    this.#again = new Set()
    const asked = await Promise.all(open.map(peer => this.#askOne(peer, signal)))
    this.#preparing = asked.filter(answer => answer === 'preparing').length
  }

  /** Every path that some list has. */
  paths(): string[] {
    return [...new Set([...this.#lists.values()].flatMap(files => files.map(({ path }) => path)))].sort()
  }

  /**
   * What a file may be, most sharers first. Of a file that the digest covers, the content is the same in every list, and its
   * hash tells whether the blob is right; of any other, the word of the most has to do.
   */
  offersOf(path: string): FileOffer[] {
    const byContent = new Map<string, { file: SharedFile; sharers: PeerId[] }>()
    for (const [peer, files] of this.#lists) {
      const file = files.find(entry => entry.path === path)
      if (file === undefined) continue
      const key = `${file.sha256} ${file.address} ${file.bytes}`
      const known = byContent.get(key)
      if (known === undefined) byContent.set(key, { file, sharers: [peer] })
      else known.sharers.push(peer)
    }
    return [...byContent.values()].sort((a, b) => b.sharers.length - a.sharers.length)
  }

  /** Whether most sharers have a file that the digest does not cover. */
  isUsual(path: string): boolean {
    if (isCovered(path)) return true
    const sharers = this.offersOf(path).reduce((sum, offer) => sum + offer.sharers.length, 0)
    return 2 * sharers > this.#lists.size
  }

  /** Those who vouched for a blob with another content are believed no more; they may have believed another. */
  refuse({ file, sharers }: FileOffer): void {
    for (const peer of sharers) {
      this.#ports.log(`${peer} offered a ${file.path} that has not the content it said: it is asked no more`)
      this.#lists.delete(peer)
      this.#liars.add(peer)
    }
  }

  async #askOne(peer: PeerId, signal: AbortSignal): Promise<'preparing' | 'said' | 'nothing'> {
    const { network, crypto, log } = this.#ports
    const { sha256 } = this.#wanted
    const body = encodeModelRequest(this.#wanted)
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: MODEL_LIST_BYTES }
    try {
      for await (const frame of network.request(peer, MODEL_PROTOCOL, body, options)) {
        if (signal.aborted) return 'nothing'
        if (frame.length === 0) return 'preparing'
        const list = decodeFileList(frame)
        if (list === null || !provesModel(list, sha256, crypto)) {
          log(`${peer} offered files that are not the base model: it is asked no more`)
          network.blame?.(peer, 'a list of files that are not the model asked for')
          this.#lists.delete(peer)
          this.#liars.add(peer)
          return 'nothing'
        }
        this.#lists.set(peer, list.files)
        return 'said'
      }
    } catch {
      // Not one that shares models, or one that is gone.
    }
    return 'nothing'
  }
}
