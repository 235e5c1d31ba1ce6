/** What a peer needs on its own machine before it goes online: base model, private data, training threads. */
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import type { TrainerPool } from '../../platform/trainer-pool.ts'
import { DATA_ENDINGS } from '../../train/data/read-data.ts'
import type { TokenizedShard } from '../../train/dataset.ts'
import type { Trainer } from '../../train/trainer.ts'
import { type BackendOptions, backendRequest, tellBackend } from '../backend-options.ts'
import type { CommandHost } from '../host.ts'
import {
  type BaseModel,
  checkBaseModel,
  examplesOf,
  openBaseModel,
  openRunTrainers
} from '../open-trainer.ts'
import { openPrivateData } from '../private-data.ts'
import { placeText, type ResolveOptions, resolveModel } from '../resolve-model.ts'
import { UserError } from '../user-error.ts'

export interface WorkshopOptions extends BackendOptions {
  readonly data?: string
  readonly heldOut?: string
  readonly model?: string
}

export interface Workshop {
  readonly base: BaseModel
  readonly shard: TokenizedShard
  /** Windows of training text. */
  readonly examples: number
  readonly pool: TrainerPool
  readonly trainer: Trainer
  readonly backend: string
}

/** @throws UserError, HubError, ModelError, PeerError OTHER_BASE_MODEL, TrainError, PeftError, FilesError */
export async function openWorkshop(
  manifest: RunManifest,
  options: WorkshopOptions,
  host: CommandHost,
  resolving: Pick<ResolveOptions, 'offlineBecause'> = {}
): Promise<Workshop> {
  const { output } = host
  const { data, heldOut } = options
  if (data === undefined) {
    throw new UserError(
      `give your text: --data FILE (${DATA_ENDINGS}), or --data sotu:abraham_lincoln to try it without one`,
      2
    )
  }
  const { source: modelSource, revision } = manifest.model
  const place =
    options.model === undefined
      ? await resolveModel(modelSource, host, { ...resolving, revision })
      : await resolveModel(options.model, host, resolving)
  const base = await openBaseModel(place)
  checkBaseModel(manifest, base)
  output.say(`base model ${placeText(base)}: sha256 ${base.sha256}, as the run asks for`)
  const { sequenceLength: windowTokens } = manifest.training
  const source = heldOut === undefined ? { data } : { data, heldOut }
  const shard = await openPrivateData(base.tokenizer, { ...source, windowTokens })
  output.say(`data ${shard.description}; it stays on this machine`)
  const pool = openRunTrainers(manifest, base, {
    trainers: 1,
    backend: backendRequest(options)
  })
  try {
    const report = await pool.backend()
    tellBackend(report, output)
    const examples = examplesOf(shard, windowTokens)
    return { base, shard, examples, pool, trainer: pool.open(shard), backend: report.name }
  } catch (error) {
    await pool.close()
    throw error
  }
}
