import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { CheckpointStore } from './checkpoint-store.ts'
import { type JobSetting, jobFingerprint } from './job-fingerprint.ts'
import type { TrainerCheckpoints, TrainJob } from './trainer.ts'

/** The checkpoints of a trainer's jobs. @param settingOf - what besides the job decides the bits of its result */
export function trainerCheckpoints(
  store: CheckpointStore,
  settingOf: (job: TrainJob) => Promise<JobSetting>,
  shardSha256: string,
  sha256: CryptoSuite['sha256']
): TrainerCheckpoints & { fingerprintOf(job: TrainJob): Promise<string> } {
  const fingerprintOf = async (job: TrainJob): Promise<string> =>
    jobFingerprint(await settingOf(job), job, shardSha256, sha256)
  return {
    fingerprintOf,
    stepsOf: async job => store.stepsOf(await fingerprintOf(job)),
    keepOnly: async jobs => store.keepOnly(await Promise.all(jobs.map(fingerprintOf)))
  }
}
