import { AggregationError } from '../../aggregation/errors.ts'
import { NetworkError, ProtocolError } from '../../protocols/errors.ts'
import { FilesError } from '../../protocols/files-error.ts'
import { SimError } from '../../sim/errors.ts'
import { BackendError } from '../backend/errors.ts'
import { ModelError } from '../model/errors.ts'
import { PeerError } from '../peer/errors.ts'
import { PeftError } from '../peft/errors.ts'
import { HubError } from '../platform/hub/errors.ts'
import { TrainError } from '../train/errors.ts'
import { Interrupted } from './interrupt.ts'
import { UserError } from './user-error.ts'

/** Faults of the machine or of the network: what was asked for was right. Every other code is wrong input. */
const failures: ReadonlySet<string> = new Set<string>([
  ...['NO_PERMISSION', 'READ_ONLY', 'NO_SPACE', 'TOO_MANY_FILES', 'IO_ERROR', 'SHORT_FILE', 'NO_SUCH_FILE'],
  ...[
    'UNREACHABLE',
    'TIMEOUT',
    'RESET',
    'CLOSED',
    'PORT_TAKEN',
    'TOO_LARGE',
    'DIRECTORY_IN_USE',
    'NOBODY_THERE'
  ],
  ...['BAD_ANSWER', 'CUT_DOWNLOAD', 'CORRUPT_DOWNLOAD'],
  ...[
    'BROKEN_STORE',
    'STORE_FAILED',
    'STOPPED',
    'FAULT',
    'BLOB_UNAVAILABLE',
    'BLOB_TOO_LARGE',
    'NO_BASE_MODEL',
    'DIVERGED',
    'DOES_NOT_FIT',
    'OUT_OF_MEMORY',
    'PEER_FAILED'
  ]
])

/** Of a backend; its other codes are faults of the program. */
const machineLacks: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OUT_OF_MEMORY', 'THREAD_FAILED'])

/**
 * The error as the person should see it, or null for a fault of the program. Every floor's error class writes its
 * messages for people; only the exit code is decided here.
 */
export function explain(error: unknown): UserError | null {
  if (error instanceof UserError) return error
  if (error instanceof Interrupted) return new UserError(error.message, 1, { cause: error })
  if (error instanceof NetworkError && error.code === 'REFUSED') {
    return new UserError(error.message, error.data['wrongUsage'] === true ? 2 : 1, { cause: error })
  }
  const isKnown =
    error instanceof FilesError ||
    error instanceof HubError ||
    error instanceof ModelError ||
    error instanceof NetworkError ||
    error instanceof PeerError ||
    error instanceof PeftError ||
    error instanceof ProtocolError ||
    error instanceof SimError ||
    error instanceof TrainError
  if (isKnown && error.code !== 'FAULT') {
    return new UserError(error.message, failures.has(error.code) ? 1 : 2, { cause: error })
  }
  if (error instanceof BackendError && machineLacks.has(error.code)) {
    return new UserError(error.message, 1, { cause: error })
  }
  if (error instanceof AggregationError && error.code === 'BAD_SETTING') {
    return new UserError(error.message, 2, { cause: error })
  }
  return null
}
