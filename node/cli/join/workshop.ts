/** What a peer needs on its own machine before it goes online: base model, private data, training threads. */
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import type { KeepOptions, TrainerPool } from '../../platform/trainer-pool.ts'
import { DATA_ENDINGS } from '../../train/data/read-data.ts'
import type { TokenizedShard } from '../../train/dataset.ts'
import { planText, type TrainingPlan } from '../../train/plan.ts'
import type { Trainer } from '../../train/trainer.ts'
import { type BackendOptions, backendRequest, tellBackend } from '../backend-options.ts'
import { type MachineOptions, poolBudget, roundBudget, tellNotice } from '../budget-options.ts'
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
import { runDiskBytes } from './round-cost.ts'
import { bytesText } from './words.ts'

export interface WorkshopOptions extends BackendOptions, MachineOptions {
  readonly dir: string
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
  /** How training will use the memory. */
  readonly plan: TrainingPlan
}

/**
 * The base model of a run from this machine or the Hub.
 * @throws HubError, ModelError, PeerError OTHER_BASE_MODEL, UserError, FilesError
 */
export async function baseModelHere(
  manifest: RunManifest,
  { model }: Pick<WorkshopOptions, 'model'>,
  host: CommandHost,
  resolving: Pick<ResolveOptions, 'offlineBecause'> = {}
): Promise<BaseModel> {
  const { source, revision } = manifest.model
  const place =
    model === undefined
      ? await resolveModel(source, host, { ...resolving, revision })
      : await resolveModel(model, host, resolving)
  const base = await openBaseModel(place)
  checkBaseModel(manifest, base)
  return base
}

/**
 * @param openBase - by default from this machine or the Hub
 * @param keepIn - the run's folder below `dir`, where interrupted training is kept; a dry run keeps nothing
 * @throws UserError, HubError, ModelError, PeerError OTHER_BASE_MODEL, TrainError, PeftError, FilesError
 */
export async function openWorkshop(
  manifest: RunManifest,
  options: WorkshopOptions,
  host: CommandHost,
  keepIn: string | null,
  openBase: () => Promise<BaseModel> = () => baseModelHere(manifest, options, host)
): Promise<Workshop> {
  const { output } = host
  const { data, heldOut } = options
  if (data === undefined) {
    throw new UserError(
      `give your text: --data FILE (${DATA_ENDINGS}), or --data sotu:abraham_lincoln to try it without one`,
      2
    )
  }
  const base = await openBase()
  output.say(`base model ${placeText(base)}: sha256 ${base.sha256}, as the run asks for`)
  const { sequenceLength: windowTokens } = manifest.training
  const source = heldOut === undefined ? { data } : { data, heldOut }
  const shard = await openPrivateData(base.tokenizer, { ...source, windowTokens })
  output.say(`data ${shard.description}; it stays on this machine`)
  const pool = openRunTrainers(manifest, base, {
    trainers: 1,
    backend: backendRequest(options),
    ...poolBudget(options),
    measuresEnergy: true,
    onNotice: notice => tellNotice(notice, output)
  })
  try {
    // Before the model is read: whether it fits can be told without it.
    const plan = await pool.plan(manifest.training)
    const report = await pool.backend()
    tellBackend(report, output)
    output.say(`training in ${planText(plan, manifest.training)}`)
    const examples = examplesOf(shard, windowTokens)
    const keep = keepIn === null ? undefined : keepOptions(options, keepIn)
    const trainer = pool.open(shard, { ...roundBudget(options), ...(keep && { keep }) })
    if (keep !== undefined) checkDisk(options, trainer.layout.length)
    return { base, shard, examples, pool, trainer, backend: report.name, plan }
  } catch (error) {
    await pool.close()
    throw error
  }
}

function keepOptions({ dir, disk, checkpointEvery: every }: WorkshopOptions, keepIn: string): KeepOptions {
  const place = { root: dir, folder: `${keepIn}/training` }
  return { place: disk === undefined ? place : { ...place, diskMaxBytes: disk }, every }
}

/** @throws UserError if the run alone would not fit; checkpoints are what gives way */
function checkDisk({ disk = Number.POSITIVE_INFINITY, dir }: WorkshopOptions, adapterLength: number): void {
  const neededBytes = runDiskBytes(adapterLength)
  if (neededBytes <= disk) return
  throw new UserError(
    `--disk ${bytesText(disk)}: this run keeps about ${bytesText(neededBytes)} below ${dir} (states, adapter, chain), ` +
      'and training checkpoints besides where there is room. Allow more, or take part in a run with a smaller adapter.',
    2
  )
}
