/** From a manifest and a model's name to what trains: shared by every command that takes part in a run. */
import { toHex } from '../../protocols/hex.ts'
import type { RunManifest } from '../../protocols/run-manifest.ts'
import { type OpenModel, openModel } from '../model/model-files.ts'
import { PeerError } from '../peer/errors.ts'
import { sha256Hash } from '../platform/content-hash.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { openTrainerPool, type TrainerPool, type TrainerPoolOptions } from '../platform/trainer-pool.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import { type ModelPlace, placeText } from './resolve-model.ts'
import { UserError } from './user-error.ts'

/** A frozen base model, opened and checked. */
export interface BaseModel extends OpenModel, ModelPlace {
  /** Hexadecimal. */
  readonly sha256: string
}

/** @throws ModelError, every code; FilesError */
export async function openBaseModel(place: ModelPlace): Promise<BaseModel> {
  const opened = await openModel(nodeFiles(place.folder), placeText(place))
  return { ...opened, ...place, sha256: toHex(await opened.digest(sha256Hash)) }
}

/**
 * Refuses a base model that the run cannot use, before a thread is started for it.
 * @throws PeerError OTHER_BASE_MODEL naming both digests; UserError if the windows do not fit the model
 */
export function checkBaseModel(
  manifest: Pick<RunManifest, 'name' | 'author' | 'model' | 'training'>,
  base: BaseModel
): void {
  const { model, training, name, author } = manifest
  if (base.sha256 !== model.sha256) {
    throw new PeerError(
      'OTHER_BASE_MODEL',
      { ours: base.sha256, wanted: model.sha256 },
      `--model ${placeText(base)}: another base model than that of the run "${name}".\n` +
        `  the run trains on ${model.sha256} (${model.source}, revision ${model.revision})\n` +
        `  ${base.folder} holds ${base.sha256}\n` +
        `Give --model the folder with exactly those files, or ask the author, ${author}, where they come from.`
    )
  }
  const { maxPositions } = base.config
  if (training.sequenceLength > maxPositions) {
    throw new UserError(
      `training.sequenceLength: got ${training.sequenceLength}; the base model ${base.name} sees at most ` +
        `${maxPositions} tokens at a time. Lower it in the manifest and sign that again.`,
      2
    )
  }
}

/**
 * Threads that train the run's adapter on that base.
 * @throws PeftError UNKNOWN_TARGET, BAD_SETTING
 */
export function openRunTrainers(
  { adapter }: Pick<RunManifest, 'adapter'>,
  base: BaseModel,
  options: Omit<
    TrainerPoolOptions,
    'modelFolder' | 'config' | 'baseModelSha256' | 'adapter' | 'initialisationSeed'
  > = {}
): TrainerPool {
  const { seed, ...settings } = adapter
  return openTrainerPool({
    modelFolder: base.folder,
    config: base.config,
    baseModelSha256: base.sha256,
    adapter: settings,
    initialisationSeed: seed,
    ...options
  })
}

/** Windows of training text that a client has: what its weight in the sum is rounded from. At least one. */
export function examplesOf(shard: Pick<TokenizedShard, 'train'>, sequenceLength: number): number {
  return Math.max(1, Math.floor((shard.train.length - 1) / sequenceLength))
}
