/** What a person allows local training to take of the machine: flags, and how they reach the trainers. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { MemoryLimits } from '../platform/memory-budget.ts'
import type { TrainerNotice } from '../platform/trainer-messages.ts'
import type { OpenOptions, TrainerPoolOptions } from '../platform/trainer-pool.ts'
import type { TrainingPlan } from '../train/plan.ts'
import type { PowerPolicy } from '../train/power-policy.ts'
import type { TrainJob } from '../train/trainer.ts'
import type { CheckpointInterval } from '../train/training-state.ts'
import { number, wholeNumber } from './options.ts'
import type { Output } from './output.ts'

/** The flags of everyone who trains. Sizes in bytes. */
export interface BudgetOptions {
  readonly memory?: number
  readonly gpuMemory?: number
  readonly secondsPerRound?: number
  readonly checkpointEvery: CheckpointInterval
}

/** Those of somebody's own machine besides. */
export interface MachineOptions extends BudgetOptions {
  readonly disk?: number
  readonly batteryMin?: number
  readonly lowBattery: PowerPolicy['whenLow']
}

export function addBudgetOptions(command: Command): Command {
  return command
    .option(
      '--memory <size>',
      'memory for the program, e.g. 4GB: smaller ones train in smaller pieces (default: 80 % of what is there)',
      byteSize
    )
    .option(
      '--gpu-memory <size>',
      'memory to use on the graphics card (default: 90 % of what is there)',
      byteSize
    )
    .option(
      '--seconds-per-round <s>',
      'end local training in time, with the steps done by then',
      number(0.1, 604_800)
    )
    .addOption(
      new Option(
        '--checkpoint-every <n>',
        'steps, or seconds (30s), after which training is kept on the disk'
      )
        .argParser(checkpointInterval)
        .default({ ms: 30_000 }, '30s')
    )
}

export function addMachineOptions(command: Command): Command {
  return addBudgetOptions(command)
    .option(
      '--disk <size>',
      'disk space for all of --dir, e.g. 500MB: training checkpoints go first (default: no limit)',
      byteSize
    )
    .option(
      '--battery-min <percent>',
      'on battery below this, hold training up (default: train all the same)',
      wholeNumber(1, 100)
    )
    .addOption(
      new Option('--low-battery <action>', 'how: pause until it is charged, or do fewer steps')
        .choices(['pause', 'fewer'])
        .default('pause')
    )
}

/** What the flags mean to a pool of trainers. */
export function poolBudget(
  options: BudgetOptions & Partial<MachineOptions>
): Pick<TrainerPoolOptions, 'memory' | 'power'> {
  const { batteryMin, lowBattery = 'pause' } = options
  return {
    memory: memoryLimits(options),
    ...(batteryMin === undefined ? {} : { power: { batteryMinPercent: batteryMin, whenLow: lowBattery } })
  }
}

/** What they mean to the training of a round. */
export function roundBudget({ secondsPerRound }: BudgetOptions): Pick<OpenOptions, 'secondsMax'> {
  return secondsPerRound === undefined ? {} : { secondsMax: secondsPerRound }
}

/** A plan for a program that reads it. */
export function planFields(
  { microBatchSize, mode, estimatedBytes, wholeBytes, budget }: TrainingPlan,
  { batchSize }: Pick<TrainJob, 'batchSize'>
): Readonly<Record<string, unknown>> {
  return {
    microBatchSize,
    accumulationSteps: Math.ceil(batchSize / microBatchSize),
    checkpointing: mode === 'checkpoint',
    estimatedBytes,
    wholeBytes,
    // JSON knows no infinity.
    tensorBytesMax: Number.isFinite(budget.tensorBytes) ? budget.tensorBytes : null,
    where: budget.where
  }
}

/** Says what a trainer has to say. @param client - whose it is, where there are several */
export function tellNotice({ kind, message }: TrainerNotice, output: Output, client?: string): void {
  output.event({ event: 'trainer', kind, message, ...(client === undefined ? {} : { client }) })
  const words = client === undefined ? message : `${client}: ${message}`
  if (kind === 'resumed') output.say(words)
  else output.warn(words)
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40
}

/** E.g. 500MB, 4GB, 1.5GiB. */
export function byteSize(text: string): number {
  const bytes = byteSizeOf(text)
  if (bytes !== null && bytes >= 1e6) return bytes
  throw new InvalidArgumentError('It must be a size of at least 1MB, such as 500MB, 4GB or 1.5GiB.')
}

/** A figure with or without a unit; null for anything else. */
export function byteSizeOf(text: string): number | null {
  const [, figure, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(text.trim()) ?? []
  const bytes = Number(figure) * (units[(unit ?? '').toLowerCase()] ?? Number.NaN)
  return bytes <= 1e15 ? Math.floor(bytes) : null
}

/** E.g. 20 (steps), 30s. */
export function checkpointInterval(text: string): CheckpointInterval {
  const [, figure, unit] = /^(\d{1,7})(s?)$/.exec(text.trim()) ?? []
  const count = Number(figure)
  if (count >= 1) return unit === 's' ? { ms: 1000 * count } : { steps: count }
  throw new InvalidArgumentError('It must be a number of steps, such as 20, or of seconds, such as 30s.')
}

function memoryLimits({ memory, gpuMemory }: BudgetOptions): MemoryLimits {
  return {
    ...(memory === undefined ? {} : { memoryMaxBytes: memory }),
    ...(gpuMemory === undefined ? {} : { gpuMemoryMaxBytes: gpuMemory })
  }
}
