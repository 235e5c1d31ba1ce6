import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { canonicalJson } from '../../protocols/canonical-json.ts'
import { toHex } from '../../protocols/hex.ts'
import type { BackendName } from '../backend/backend.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import type { TokenizedShard } from './dataset.ts'
import type { StepPlan } from './micro-batches.ts'
import type { ExampleMarks } from './token-text.ts'
import type { TrainJob } from './trainer.ts'

type Sha256 = CryptoSuite['sha256']

/** What besides a job and its data decides the bits of the result. */
export interface JobSetting {
  /** Hexadecimal. */
  readonly baseModelSha256: string
  readonly adapter: AdapterSettings
  readonly backend: BackendName
  readonly plan: StepPlan
}

/**
 * Says which job it is: two with the same fingerprint go through the same states to the last bit, so one may go on where
 * the other was.
 * @param shardSha256 - from `shardDigest`
 * @returns 64 hexadecimal digits
 */
export function jobFingerprint(
  setting: JobSetting,
  job: TrainJob,
  shardSha256: string,
  sha256: Sha256
): string {
  const { factors, steps, batchSize, sequenceLength, learningRate, weightDecay, gradientClipNorm, seed } = job
  const { warmupSteps = 0, schedule = 'constant', optimizer = { name: 'adamw' }, proximalMu = 0 } = job
  const { baseModelSha256, adapter, backend, plan } = setting
  const text = canonicalJson({
    ...{ baseModelSha256, adapter, backend, plan, shardSha256 },
    ...{ factors, steps, batchSize, sequenceLength, learningRate, warmupSteps, schedule, optimizer },
    ...{ weightDecay, gradientClipNorm, proximalMu, seed },
    earlyStop: job.earlyStop ?? null
  })
  return toHex(sha256(lengthPrefixed('fedpeft training job', text, sha256(bytesOf(job.adapter)))))
}

/** A digest of the training text, 64 hexadecimal digits. */
export function shardDigest({ train, trainExamples }: TokenizedShard, sha256: Sha256): string {
  const marks = ({ starts, counts }: ExampleMarks) => [sha256(bytesOf(starts)), sha256(counts)]
  const fields = [sha256(bytesOf(train)), ...(trainExamples === undefined ? [] : marks(trainExamples))]
  return toHex(sha256(lengthPrefixed('fedpeft shard', ...fields)))
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
