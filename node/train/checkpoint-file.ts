/**
 * The state of a training job as one file: safetensors whose metadata say which job it is of and hold what is no tensor.
 * The checksum covers every byte of the file, its own digits counted as zeros.
 */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { toHex } from '../../protocols/hex.ts'
import { ModelError } from '../model/errors.ts'
import { headerLength, LENGTH_BYTES } from '../model/safetensors/header.ts'
import { type NamedTensor, readSafetensors, writeSafetensors } from '../model/safetensors.ts'
import type { TrainingState } from './training-state.ts'

type Sha256 = CryptoSuite['sha256']

const format = 'fedpeft-training'
const version = '1'

/** Where the checksum is before it is known, and while it is taken. */
const noChecksum = '0'.repeat(64)

/** What is no tensor. */
interface StateFields {
  readonly steps: number
  readonly losses: readonly number[]
  readonly spentMs: number
  readonly earlyStop: {
    readonly bestNats: number | null
    readonly measuredSteps: number
    readonly withoutBest: number
  } | null
}

/** @param job - the fingerprint of the job that the state is of */
export function encodeCheckpoint(job: string, state: TrainingState, sha256: Sha256): Uint8Array {
  const { steps, losses, spentMs, trained, moments, earlyStop } = state
  const tensors = new Map<string, NamedTensor>([['trained', vector(trained)]])
  for (const [name, values] of Object.entries(moments)) tensors.set(`moments.${name}`, vector(values))
  if (earlyStop?.best) tensors.set('earlyStop.best', vector(earlyStop.best))
  const fields: StateFields = { steps, losses, spentMs, earlyStop: earlyStop && withoutTensor(earlyStop) }
  const file = writeSafetensors(tensors, {
    sha256: noChecksum,
    format,
    version,
    job,
    state: JSON.stringify(fields)
  })
  const checksum = toHex(sha256(file))
  file.set(new TextEncoder().encode(checksum), checksumAt(file))
  return file
}

/**
 * Reads a state back.
 * @param path - where it came from, for the reason
 * @returns the state, or why it cannot be gone on from
 */
export function decodeCheckpoint(
  file: Uint8Array,
  job: string,
  path: string,
  sha256: Sha256
): { readonly state: TrainingState } | { readonly fault: string } {
  try {
    const at = checksumAt(file)
    const checksum = new TextDecoder().decode(file.subarray(at, at + 64))
    const zeros = new TextEncoder().encode(noChecksum)
    if (toHex(sha256(file.subarray(0, at), zeros, file.subarray(at + 64))) !== checksum)
      return { fault: 'its checksum is wrong: the disk lost or changed a part of it' }
    const metadata = metadataOf(file)
    if (metadata['format'] !== format || metadata['version'] !== version)
      return {
        fault: `it has the format ${metadata['format']} ${metadata['version']}, not ${format} ${version}`
      }
    if (metadata['job'] !== job)
      return { fault: 'it is of another job: other settings, data, base model or backend' }
    return { state: stateOf(readSafetensors(file, path), JSON.parse(metadata['state']!) as StateFields) }
  } catch (error) {
    if (error instanceof ModelError || error instanceof SyntaxError) return { fault: error.message }
    throw error
  }
}

function stateOf(
  tensors: ReadonlyMap<string, NamedTensor>,
  { steps, losses, spentMs, earlyStop }: StateFields
): TrainingState {
  const moments: Record<string, Float32Array> = {}
  for (const [name, { data }] of tensors)
    if (name.startsWith('moments.')) moments[name.slice('moments.'.length)] = data
  const best = tensors.get('earlyStop.best')?.data ?? null
  return {
    steps,
    losses,
    spentMs,
    trained: tensors.get('trained')!.data,
    moments,
    earlyStop: earlyStop && { ...earlyStop, best }
  }
}

function vector(data: Float32Array): NamedTensor {
  return { shape: [data.length], data }
}

function withoutTensor({
  bestNats,
  measuredSteps,
  withoutBest
}: NonNullable<TrainingState['earlyStop']>): StateFields['earlyStop'] {
  return { bestNats, measuredSteps, withoutBest }
}

/** Of the first digit, in bytes. @throws ModelError CORRUPT_SAFETENSORS; SyntaxError if there is no checksum */
function checksumAt(file: Uint8Array): number {
  const key = '"sha256":"'
  // All that we write there is ASCII, so characters are bytes.
  const at = headerText(file).indexOf(key)
  if (at < 0) throw new SyntaxError('it has no checksum')
  return LENGTH_BYTES + at + key.length
}

function headerText(file: Uint8Array): string {
  const length = headerLength(file, file.length, 'it')
  return new TextDecoder().decode(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
}

function metadataOf(file: Uint8Array): Readonly<Record<string, string>> {
  const header = JSON.parse(headerText(file)) as { readonly __metadata__: Readonly<Record<string, string>> }
  return header.__metadata__
}
