/** Starting on a full disk: a peer that a supervisor starts again is to wait there, not to die and be started for ever. */
import { setTimeout as delay } from 'node:timers/promises'
import { FilesError } from '../../../protocols/files-error.ts'
import type { CommandHost } from '../host.ts'

const RETRY_MS = 5_000

/**
 * Does what writes a few small files, again and again until there is space for them.
 * @throws whatever the task throws for another reason; the signal's reason
 */
export async function onceThereIsSpace<T>(
  task: () => Promise<T>,
  { output, signal }: CommandHost,
  retryMs = RETRY_MS
): Promise<T> {
  for (let isTold = false; ; isTold = true) {
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof FilesError) || error.code !== 'NO_SPACE') throw error
      if (!isTold) {
        const { path, freeBytes, neededBytes } = error.data
        output.event({ event: 'disk-full', path, freeBytes, neededBytes, message: error.message })
        output.say(`waiting, as the disk is full: ${error.message}; trying again every ${retryMs / 1000} s`)
      }
    }
    await delay(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
