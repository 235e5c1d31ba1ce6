/** Serves the base model of a run to those peers of it that lack it: the list of its files, and the files as blobs. */

import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { BlobExchange } from '../../protocols/blob-exchange.ts'
import { type BlobSource, ChunkHashes } from '../../protocols/blob-storage.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { toHex } from '../../protocols/hex.ts'
import { CHUNK_BYTES } from '../../protocols/limits.ts'
import type { Network, PeerId } from '../../protocols/ports.ts'
import {
  encodeFileList,
  MODEL_DIGEST_BYTES,
  MODEL_PROTOCOL,
  type SharedFile
} from '../../protocols/shared-model.ts'
import type { ContentHash } from '../model/model-files.ts'

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
  readonly allow: (peer: PeerId) => boolean
  readonly log: (message: string) => void
}

/**
 * Reads the files once, when somebody first asks for them: what takes a minute for a large model is not spent for nobody.
 * @returns a function that stops sharing
 */
export function shareModel(ports: ModelSharingPorts, model: ShareableModel): () => void {
  const { network, allow, log } = ports
  const stop = new AbortController()
  let list: Uint8Array | null = null
  let isReading = false
  const read = async (): Promise<void> => {
    try {
      list = encodeFileList({ files: await holdFiles(ports, model, stop.signal) })
    } catch (error) {
      if (!stop.signal.aborted) log(`cannot share the base model: ${(error as Error).message}`)
    }
  }
  const stopServing = network.serve(MODEL_PROTOCOL, MODEL_DIGEST_BYTES, async function* (from, body) {
    if (!allow(from) || !equalBytes(body, model.sha256)) return
    if (!isReading) {
      isReading = true
      void read()
    }
    yield list ?? new Uint8Array(0)
  })
  return () => {
    stop.abort(new Error('the model is shared no longer'))
    stopServing()
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
