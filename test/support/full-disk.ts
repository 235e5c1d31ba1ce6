/** Disks that have no room for a while. */
import type { DiskSpace } from '../../node/peer/patient-peer.ts'
import { FilesError } from '../../protocols/files-error.ts'
import type { Files } from '../../protocols/ports.ts'

export class FullDisk implements DiskSpace {
  isFull = false
  /** As the system tells it; null where a quota shows in no figure. */
  free: number | null = null
  /** Writes so far, those that failed too. */
  count = 0
  readonly #fullAt: number

  /** @param fullAt - the write, counted from 0, that finds no more space */
  constructor(fullAt = Number.POSITIVE_INFINITY) {
    this.#fullAt = fullAt
  }

  freeBytes(): Promise<number | null> {
    return Promise.resolve(this.free)
  }

  /** An append leaves half of its bytes where the disk fills up in the middle of it. */
  over(disk: Files): Files {
    const checked = async (
      path: string,
      whole: () => Promise<void>,
      half = async () => {}
    ): Promise<void> => {
      const isFirst = this.count++ === this.#fullAt
      if (isFirst) this.isFull = true
      if (!this.isFull) return whole()
      if (isFirst) await half()
      throw new FilesError('NO_SPACE', { path }, `cannot write ${path}: the disk is full`)
    }
    return {
      ...disk,
      write: (path, bytes) => checked(path, () => disk.write(path, bytes)),
      writeParts: (path, parts) => checked(path, () => disk.writeParts(path, parts)),
      append: (path, bytes) =>
        checked(
          path,
          () => disk.append(path, bytes),
          () => disk.append(path, bytes.subarray(0, bytes.length >> 1))
        )
    }
  }
}
