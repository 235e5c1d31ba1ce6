/** Peers with blob exchanges on a simulated network, and holders that lie. */
import { expect } from 'chai'
import { chunkHashes } from '../../aggregation/blob-address.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { type BlobExchange, createBlobExchange, type UploadRates } from '../../protocols/blob-exchange.ts'
import {
  BLOB_PROTOCOL,
  type BlobRequest,
  decodeBlobRequest,
  encodeHaveMap
} from '../../protocols/blob-messages.ts'
import type { BlobOffence } from '../../protocols/blob-offences.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { ANSWER_WINDOW_BYTES, CHUNK_BYTES, REQUEST_TIMEOUT_MS } from '../../protocols/limits.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { Clock, Network, PeerId } from '../../protocols/ports.ts'
import { createSimWorld, type SimNetwork } from '../../sim/sim-network.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'

export const crypto = nodeCrypto()

export type Honest = () => AsyncIterable<Uint8Array>

/** A peer with an exchange, and what passed between it and the network. */
class Peer {
  readonly id: PeerId
  readonly network: Network
  readonly blobs: BlobExchange
  readonly asked: PeerId[] = []
  /** First bytes of each chunk received: chunks are random, so these tell them apart. */
  readonly receivedChunks: string[] = []
  readonly offences: Array<[PeerId, BlobOffence]> = []
  mostUnderWayBytes = 0
  /** Chunks that each request asked for. */
  readonly runs: number[] = []
  mostAskedAtOnce = 0
  onChunk = (): void => {}

  constructor(network: SimNetwork, clock: Clock, limits: UploadRates) {
    this.id = network.peerId
    this.network = network
    this.blobs = createBlobExchange({
      network: this.#watched(network),
      clock,
      crypto,
      allow: () => true,
      ...limits,
      onOffence: (peer, reason) => this.offences.push([peer, reason])
    })
  }

  #watched(network: Network): Network {
    let openBytes = 0
    let open = 0
    const peer = this
    return {
      ...network,
      serve: (protocol, maxBodyBytes, handle) =>
        network.serve(protocol, maxBodyBytes, async function* (from, body) {
          for await (const frame of handle(from, body)) {
            if (decodeBlobRequest(body)!.chunks > 0 && frame.length > 1000) peer.onChunk()
            yield frame
          }
        }),
      async *request(to, protocol, body, options) {
        const { chunks, wanted } = decodeBlobRequest(body)!
        let frames = wanted === 'list-and-chunks' ? -1 : 0
        peer.asked.push(to)
        peer.runs.push(chunks)
        // However much is asked for, the network holds a server back a window ahead of its reader.
        const underWay = (received: number): number =>
          Math.min(ANSWER_WINDOW_BYTES, (chunks - received) * CHUNK_BYTES)
        let bytes = underWay(0)
        openBytes += bytes
        peer.mostUnderWayBytes = Math.max(peer.mostUnderWayBytes, openBytes)
        peer.mostAskedAtOnce = Math.max(peer.mostAskedAtOnce, ++open)
        try {
          for await (const frame of network.request(to, protocol, body, options)) {
            if (wanted.endsWith('chunks') && frames++ >= 0) {
              peer.receivedChunks.push(frame.subarray(0, 16).join(' '))
              openBytes -= bytes
              bytes = underWay(frames)
              openBytes += bytes
              peer.mostUnderWayBytes = Math.max(peer.mostUnderWayBytes, openBytes)
            }
            yield frame
          }
        } finally {
          openBytes -= bytes
          open--
        }
      }
    }
  }
}

export class World {
  readonly clock = new VirtualClock()
  readonly sim
  #count = 0

  constructor(seed = 1) {
    this.sim = createSimWorld({ clock: this.clock, seed })
  }

  join(): SimNetwork {
    return this.sim.join(peerIdOf(new Uint8Array(32).fill(++this.#count)))
  }

  peer(limits: UploadRates = {}): Peer {
    return new Peer(this.join(), this.clock, limits)
  }

  /** A holder that answers as it likes; `honest` is what a good one would send. */
  liar(
    blob: Uint8Array,
    answer: (honest: Honest, wanted: BlobRequest['wanted']) => AsyncIterable<Uint8Array>
  ): PeerId {
    const network = this.join()
    const hashes = chunkHashes(blob, crypto)
    network.serve(BLOB_PROTOCOL, 100, (_, body) => {
      const { firstChunk, chunks, wanted } = decodeBlobRequest(body)!
      return answer(async function* () {
        if (wanted === 'have') yield encodeHaveMap(hashes.length, null)
        if (wanted === 'list-page' || wanted === 'list-and-chunks')
          yield Uint8Array.from(hashes.flatMap(hash => [...hash]))
        for (let i = firstChunk; i < firstChunk + chunks; i++) {
          yield blob.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)
        }
      }, wanted)
    })
    return network.peerId
  }

  async run<T>(work: Promise<T>): Promise<T> {
    let done = false
    const marked = work.finally(() => {
      done = true
    })
    marked.catch(() => {})
    const ended = await this.clock.runUntil(() => done, 100 * REQUEST_TIMEOUT_MS)
    expect(ended, 'the work ends').to.equal(true)
    return marked
  }
}

export async function failure(work: Promise<unknown>): Promise<ProtocolError> {
  try {
    await work
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
  return expect.fail('expected a ProtocolError')
}

export function randomBytes(length: number, seed: number): Uint8Array {
  const random = seededRandom(seed)
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => random.nextUint32())
  return new Uint8Array(words.buffer, 0, length)
}
