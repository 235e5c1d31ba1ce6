/**
 * Serves the base model of a run to those peers of it that lack it: the list of its files, and the files as blobs. In a run
 * by invitation also to guests, who show an invitation before they are in it, since they cannot register without the model.
 */

import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { BlobExchange } from '../../protocols/blob-exchange.ts'
import { type BlobSource, ChunkHashes } from '../../protocols/blob-storage.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { toHex } from '../../protocols/hex.ts'
import { CHUNK_BYTES } from '../../protocols/limits.ts'
import type { Network, PeerId } from '../../protocols/ports.ts'
import {
  decodeModelRequest,
  encodeFileList,
  MODEL_PROTOCOL,
  MODEL_REQUEST_BYTES,
  type SharedFile
} from '../../protocols/shared-model.ts'
import type { ContentHash } from '../model/model-files.ts'
import type { ModelGuests } from './model-guests.ts'

/** The files of a model folder that others may have. */
export interface ShareableModel {
  /** [32], of the whole model. */
  readonly sha256: Uint8Array
  readonly newHash: () => ContentHash
  /** Those of a base model that the folder has. @throws FilesError */
  open(): Promise<ReadonlyArray<{ readonly path: string; readonly source: BlobSource }>>
}

export interface ModelSharingPorts {
  readonly network: Pick<Network, 'serve'>
  readonly blobs: Pick<BlobExchange, 'hold'>
  readonly crypto: Pick<CryptoSuite, 'sha256'>
  /** Who is served anyway. */
  readonly allow: (peer: PeerId) => boolean
  /** Who is served the model only. */
  readonly guests: Pick<ModelGuests, 'admit' | 'has'>
  readonly log: (message: string) => void
}

export interface ModelSharing {
  /** Whether this is a guest that may have that blob: a file of the model. */
  givesGuest(peer: PeerId, address: Uint8Array): boolean
  stop(): void
}

/**
 * Reads the files once, when somebody first asks for them: what takes a minute for a large model is not spent for nobody.
 */
export function shareModel(ports: ModelSharingPorts, model: ShareableModel): ModelSharing {
  const { network, allow, guests, log } = ports
  const stop = new AbortController()
  let list: Uint8Array | null = null
  let addresses: ReadonlySet<string> = new Set()
  let isReading = false
  const read = async (): Promise<void> => {
    try {
      const files = await holdFiles(ports, model, stop.signal)
      addresses = new Set(files.map(({ address }) => address))
      list = encodeFileList({ files })
    } catch (error) {
      if (!stop.signal.aborted) log(`cannot share the base model: ${(error as Error).message}`)
    }
  }
  const stopServing = network.serve(MODEL_PROTOCOL, MODEL_REQUEST_BYTES, async function* (from, body) {
    const { sha256, redemption } = decodeModelRequest(body)
    if (!equalBytes(sha256, model.sha256)) return
    if (!allow(from) && !(redemption !== undefined && guests.admit(from, redemption))) return
    if (!isReading) {
      isReading = true
      void read()
    }
    yield list ?? new Uint8Array(0)
  })
  return {
    givesGuest: (peer, address) => addresses.has(toHex(address)) && guests.has(peer),
    stop: () => {
      stop.abort(new Error('the model is shared no longer'))
      stopServing()
    }
  }
}

async function holdFiles(
  { blobs, crypto }: ModelSharingPorts,
  model: ShareableModel,
  signal: AbortSignal
): Promise<SharedFile[]> {
  const files: SharedFile[] = []
  for (const { path, source } of await model.open()) {
    const content = model.newHash()
    const hashes: Uint8Array[] = []
    for (let at = 0; at < source.lengthBytes; at += CHUNK_BYTES) {
      signal.throwIfAborted()
      const chunk = await source.read(at, Math.min(CHUNK_BYTES, source.lengthBytes - at))
      content.update(chunk)
      hashes.push(crypto.sha256(chunk))
    }
    const address = blobs.hold(source, ChunkHashes.of(hashes))
    files.push({
      path,
      bytes: source.lengthBytes,
      sha256: toHex(content.digest()),
      address: toHex(address)
    })
  }
  return files
}
