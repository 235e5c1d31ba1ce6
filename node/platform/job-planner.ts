import type { ModelConfig } from '../model/model-config.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import type { EvaluationWindows } from '../train/evaluate.ts'
import { MemoryEstimate } from '../train/memory-estimate.ts'
import { type StepPlan, wholeBatches } from '../train/micro-batches.ts'
import {
  type BatchShape,
  type MemoryBudget,
  planTraining,
  smallerPlan,
  type TrainingPlan
} from '../train/plan.ts'
import { type MemoryLimits, memoryBudget } from './memory-budget.ts'
import { isSolitary } from './open-backend.ts'
import type { SystemFacts } from './system-facts.ts'
import type { BackendReport, TrainerNotice } from './trainer-messages.ts'

export interface JobPlannerOptions {
  readonly config: ModelConfig
  readonly adapter: AdapterSettings
  readonly limits: MemoryLimits
  readonly facts: Pick<SystemFacts, 'memoryBytes' | 'gpuMemoryBytes'>
  readonly trainers: number
  /** As they are where memory is no question. */
  readonly evaluation: EvaluationWindows
  backend(): Promise<BackendReport>
  tell(notice: TrainerNotice): void
}

/** Plans the jobs of a pool: once for each shape of a batch, and anew should the memory turn out to be less. */
export class JobPlanner {
  private readonly options: JobPlannerOptions
  private readonly plans = new Map<string, Promise<TrainingPlan>>()
  private readonly shrunk = new Map<string, StepPlan>()
  private memory: Promise<{ readonly estimate: MemoryEstimate; readonly budget: MemoryBudget }> | null = null
  private windows: Promise<EvaluationWindows> | null = null

  constructor(options: JobPlannerOptions) {
    this.options = options
  }

  /** @throws TrainError DOES_NOT_FIT, and what the backend cannot be opened with */
  planOf({ batchSize, sequenceLength }: BatchShape): Promise<TrainingPlan> {
    const key = keyOf({ batchSize, sequenceLength })
    const plan = this.plans.get(key) ?? this.make({ batchSize, sequenceLength })
    this.plans.set(key, plan)
    return plan
  }

  /** What a job is to be computed with. */
  async stepPlanOf(shape: BatchShape): Promise<StepPlan> {
    // An impossible job is refused where it would be done.
    const isPossible = [shape.batchSize, shape.sequenceLength].every(
      size => Number.isSafeInteger(size) && size > 0
    )
    if (!isPossible) return wholeBatches(shape.batchSize)
    const { microBatchSize, mode } = this.shrunk.get(keyOf(shape)) ?? (await this.planOf(shape))
    return { microBatchSize, mode }
  }

  /** After a job ran out of memory with a plan: whether there is a smaller one to try. */
  shrink(shape: BatchShape, plan: StepPlan): boolean {
    const smaller = smallerPlan(plan)
    if (smaller === null) return false
    this.shrunk.set(keyOf(shape), smaller)
    const { microBatchSize, mode } = smaller
    const how =
      mode === 'checkpoint' ? 'with activations computed twice' : `${microBatchSize} windows at a time`
    this.options.tell({
      kind: 'memory',
      message: `there is less memory than was thought: training begins again, ${how}`
    })
    return true
  }

  /** Windows that are measured at once. */
  evaluationWindows(): Promise<EvaluationWindows> {
    this.windows ??= this.fittingWindows()
    return this.windows
  }

  private async make(shape: BatchShape): Promise<TrainingPlan> {
    const { estimate, budget } = await this.measured()
    return planTraining(estimate, shape, budget)
  }

  private async fittingWindows(): Promise<EvaluationWindows> {
    const { evaluation } = this.options
    const { estimate, budget } = await this.measured()
    let { batchSize } = evaluation
    const bytes = () => estimate.measuringBytes({ ...evaluation, batchSize })
    while (batchSize > 1 && (await bytes()) > budget.tensorBytes) batchSize = Math.ceil(batchSize / 2)
    return { ...evaluation, batchSize }
  }

  private measured(): NonNullable<typeof this.memory> {
    const { config, adapter, limits, facts, trainers, backend } = this.options
    this.memory ??= (async () => {
      const { name } = await backend()
      const estimate = new MemoryEstimate(config, adapter, name)
      const sideBySide = isSolitary(name) ? 1 : trainers
      const budget = await memoryBudget(name, limits, facts, sideBySide, estimate.adapterLength)
      return { estimate, budget }
    })()
    return this.memory
  }
}

function keyOf({ batchSize, sequenceLength }: BatchShape): string {
  return `${batchSize} ${sequenceLength}`
}
