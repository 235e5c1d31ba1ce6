/** How fast a peer serves the others: flags, and how they reach its exchange. */
import { type Command, InvalidArgumentError } from 'commander'
import type { UploadRates } from '../../protocols/blob-exchange.ts'
import { byteSizeOf } from './budget-options.ts'

export interface UploadOptions {
  /** Bytes per second. */
  readonly uploadLimit?: number
  readonly uploadLimitEach?: number
}

/** Below it a masked input would not get through in the time of a round. */
const LEAST = 10_000

export function addUploadOptions(command: Command): Command {
  return command
    .option(
      '--upload-limit <rate>',
      'serve the others at most so many bytes per second in all, e.g. 2MB; rounds go first (default: no limit)',
      byteRate
    )
    .option(
      '--upload-limit-each <rate>',
      'and at most so many to any one of them (default: no limit)',
      byteRate
    )
}

export function uploadRates({ uploadLimit, uploadLimitEach }: UploadOptions): UploadRates {
  return {
    ...(uploadLimit === undefined ? {} : { uploadBytesPerSecond: uploadLimit }),
    ...(uploadLimitEach === undefined ? {} : { uploadBytesPerSecondEach: uploadLimitEach })
  }
}

/** E.g. 500kB, 2MB; per second. */
export function byteRate(text: string): number {
  const bytes = byteSizeOf(text.replace(/\s*(\/|per )s(ec(ond)?)?$/i, ''))
  if (bytes !== null && bytes >= LEAST) return bytes
  throw new InvalidArgumentError('It must be at least 10kB, such as 500kB or 2MB: bytes per second.')
}
