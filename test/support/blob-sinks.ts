/** Sinks and sources that count what they hold in memory, and fail when they are told to. */
import { type BlobSink, memorySink } from '../../protocols/blob-storage.ts'

/** A disk: outlives the exchange that writes to it. */
export class TestDisk {
  readonly bytes: Uint8Array
  writtenTo = 0
  writes = 0

  constructor(lengthBytes: number) {
    this.bytes = new Uint8Array(lengthBytes)
  }

  /** As it is opened after a start: what was written before is there, with holes. */
  open(): BlobSink {
    const inner = memorySink(this.bytes)
    return {
      ...inner,
      keptBytes: this.writtenTo,
      write: async (offset, part) => {
        this.writes++
        this.writtenTo = Math.max(this.writtenTo, offset + part.length)
        await inner.write(offset, part)
      }
    }
  }
}
