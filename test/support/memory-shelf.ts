/** A shelf of model files in memory, which outlives the fetches that fill it. */
import type { ModelShelf } from '../../node/peer/model-fetch.ts'
import { sha256Hash } from '../../node/platform/content-hash.ts'
import { FilesError } from '../../protocols/files-error.ts'
import { TestDisk } from './blob-sinks.ts'

export class MemoryShelf implements ModelShelf {
  readonly files = new Map<string, Uint8Array>()
  readonly begun = new Map<string, TestDisk>()
  roomBytes = Number.POSITIVE_INFINITY
  discarded: string[] = []

  async sha256Of(path: string, lengthBytes: number): Promise<Uint8Array | null> {
    const bytes = this.files.get(path)
    return bytes?.length === lengthBytes ? hashOf(bytes) : null
  }

  async begunBytes(path: string): Promise<number> {
    return this.files.get(path)?.length ?? this.begun.get(path)?.writtenTo ?? 0
  }

  async begin(path: string, lengthBytes: number) {
    const known = this.begun.get(path)
    const disk = known?.bytes.length === lengthBytes ? known : new TestDisk(lengthBytes)
    this.begun.set(path, disk)
    return {
      ...disk.open(),
      sha256: async () => hashOf(disk.bytes),
      keep: async () => {
        this.files.set(path, disk.bytes)
        this.begun.delete(path)
      },
      discard: async () => {
        this.discarded.push(path)
        this.begun.delete(path)
      },
      close: async () => {}
    }
  }

  async checkRoom(bytes: number): Promise<void> {
    if (bytes > this.roomBytes) throw new FilesError('NO_SPACE', { bytes }, 'the disk is full')
  }
}

export function hashOf(bytes: Uint8Array): Uint8Array {
  const hash = sha256Hash()
  hash.update(bytes)
  return hash.digest()
}
