/** The states of training jobs in one folder: the latest of the job under way, and what others left. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { FilesError } from '../../protocols/files-error.ts'
import type { Files } from '../../protocols/ports.ts'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint-file.ts'
import type { CheckpointInterval, JobCheckpoints, TrainingState } from './training-state.ts'

export interface CheckpointStoreOptions {
  readonly files: Files
  /** Of its own; made with the first checkpoint. */
  readonly folder: string
  readonly sha256: CryptoSuite['sha256']
  /** Bytes that all checkpoints together may take; without it, any number. */
  roomBytes?(): Promise<number>
  /** Words for the person, each said once. */
  tell(notice: CheckpointNotice): void
}

export interface CheckpointNotice {
  readonly kind: 'resumed' | 'checkpoint-ignored' | 'checkpoint-not-kept'
  readonly message: string
}

/** States of a job that are kept: should the latest turn out to be broken, the one before it is good. */
const keptOfJob = 2

/** Enough digits of a fingerprint to tell jobs apart; the file holds it whole. */
const nameDigits = 32

interface Entry {
  readonly path: string
  /** Grows with every checkpoint that is written here. */
  readonly number: number
  readonly job: string
  readonly steps: number
  readonly bytes: number
}

export class CheckpointStore {
  private readonly options: CheckpointStoreOptions
  private readonly told = new Set<string>()

  constructor(options: CheckpointStoreOptions) {
    this.options = options
  }

  /** Where the state of one job is kept. @param fingerprint - from `jobFingerprint` */
  of(fingerprint: string, every: CheckpointInterval): JobCheckpoints {
    return {
      every,
      load: () => this.load(fingerprint),
      save: state => this.save(fingerprint, state)
    }
  }

  /** Steps after which a job was kept last; 0 if it was not. */
  async stepsOf(fingerprint: string): Promise<number> {
    const own = (await this.entries()).filter(({ job }) => job === nameOf(fingerprint))
    return own.reduce((most, { steps }) => Math.max(most, steps), 0)
  }

  /** Deletes what was kept of all other jobs, for good when it returns. @returns how many states @throws FilesError */
  async keepOnly(fingerprints: readonly string[]): Promise<number> {
    const kept = fingerprints.map(nameOf)
    const others = (await this.entries()).filter(({ job }) => !kept.includes(job))
    for (const { path } of others) await this.options.files.remove(path)
    return others.length
  }

  private async load(fingerprint: string): Promise<TrainingState | null> {
    const { files, folder, sha256 } = this.options
    const entries = await this.entries()
    const own = entries.filter(({ job }) => job === nameOf(fingerprint)).sort((a, b) => b.number - a.number)
    if (entries.length > 0 && own.length === 0) {
      const why = 'of other jobs: other settings, data, base model or backend'
      this.tell('checkpoint-ignored', `the training checkpoints in ${folder} are ignored: they are ${why}`)
    }
    for (const { path } of own) {
      const file = await files.read(path)
      if (file === null) continue
      const decoded = decodeCheckpoint(file, fingerprint, path, sha256)
      if ('state' in decoded) {
        const { steps } = decoded.state
        this.tell('resumed', `local training goes on after step ${steps}, where it was interrupted`)
        return decoded.state
      }
      this.tell('checkpoint-ignored', `the training checkpoint ${path} is ignored: ${decoded.fault}`)
      await files.remove(path)
    }
    return null
  }

  /** A checkpoint that cannot be kept is told and gone without: training is worth more. */
  private async save(fingerprint: string, state: TrainingState): Promise<void> {
    const { files, folder, sha256 } = this.options
    const file = encodeCheckpoint(fingerprint, state, sha256)
    try {
      const entries = await this.entries()
      if (!(await this.makeRoom(entries, nameOf(fingerprint), file.length))) return
      const number = entries.reduce((most, entry) => Math.max(most, entry.number), 0) + 1
      const name = [String(number).padStart(8, '0'), nameOf(fingerprint), state.steps].join('-')
      await files.write(`${folder}/${name}.safetensors`, file)
      await this.dropOld(nameOf(fingerprint))
    } catch (error) {
      if (!(error instanceof FilesError)) throw error
      const loss = 'Training goes on; what it learns from here on is lost if it is interrupted'
      this.tell('checkpoint-not-kept', `${error.message}. ${loss}`)
    }
  }

  /** Deletes the oldest first, but not the latest of the job that is to be written. @returns false if it does not help */
  private async makeRoom(entries: readonly Entry[], job: string, bytes: number): Promise<boolean> {
    const roomBytes = (await this.options.roomBytes?.()) ?? Number.POSITIVE_INFINITY
    if (bytes > roomBytes) {
      const [needed, room] = [bytes, Math.max(0, roomBytes)].map(megabytes)
      const message = `no training checkpoints are kept: one takes ${needed}, and the disk budget leaves ${room}`
      this.tell('checkpoint-not-kept', message)
      return false
    }
    const latest = latestOf(entries, job)
    let held = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    for (const entry of [...entries].sort((a, b) => a.number - b.number)) {
      if (held + bytes <= roomBytes || entry === latest) continue
      await this.options.files.remove(entry.path)
      held -= entry.bytes
    }
    return true
  }

  /** After a write: what is beyond the number to keep, or beyond the room with the new one in it. */
  private async dropOld(job: string): Promise<void> {
    const roomBytes = (await this.options.roomBytes?.()) ?? Number.POSITIVE_INFINITY
    const entries = (await this.entries()).sort((a, b) => b.number - a.number)
    const own = entries.filter(entry => entry.job === job)
    let held = 0
    for (const entry of entries) {
      held += entry.bytes
      const isKept = held <= roomBytes && !own.slice(keptOfJob).includes(entry)
      if (entry === own[0] || isKept) continue
      await this.options.files.remove(entry.path)
      held -= entry.bytes
    }
  }

  private async entries(): Promise<Entry[]> {
    const { files, folder } = this.options
    const found: Entry[] = []
    for (const name of await files.list(folder)) {
      const parts = /^(\d{8})-([0-9a-f]{32})-(\d+)\.safetensors$/.exec(name)
      const path = `${folder}/${name}`
      const bytes = parts === null ? null : await files.size(path)
      if (parts === null || bytes === null) continue
      found.push({ path, number: Number(parts[1]), job: parts[2]!, steps: Number(parts[3]), bytes })
    }
    return found
  }

  private tell(kind: CheckpointNotice['kind'], message: string): void {
    if (this.told.has(message)) return
    this.told.add(message)
    this.options.tell({ kind, message })
  }
}

function nameOf(fingerprint: string): string {
  return fingerprint.slice(0, nameDigits)
}

function latestOf(entries: readonly Entry[], job: string): Entry | null {
  return entries.reduce<Entry | null>(
    (latest, entry) => (entry.job === job && entry.number > (latest?.number ?? 0) ? entry : latest),
    null
  )
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
