import { gatherSpans, type Span, scatterSpans } from '../../aggregation/adapter-layout.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import { type EvaluationWindows, evaluateText } from './evaluate.ts'
import type { TokenText } from './token-text.ts'
import type { EarlyStop } from './trainer.ts'

/** Where the measuring of a job is. */
export interface EarlyStopState {
  /** On the text set apart; null before the first measurement. */
  readonly bestNats: number | null
  /** The trained factors of the best adapter, [t]; null before the first measurement. */
  readonly best: Float32Array | null
  /** Steps done at the last measurement; -1 before. */
  readonly measuredSteps: number
  /** Measurements since the best. */
  readonly withoutBest: number
}

/** Keeps the adapter that did best on text set apart. Prechelt 1998, "Early stopping - but when?". */
export class EarlyStopping {
  private readonly model: AdaptedModel
  private readonly text: TokenText
  private readonly settings: EarlyStop
  private readonly windows: EvaluationWindows
  private readonly spans: readonly Span[]
  private bestNats = Number.POSITIVE_INFINITY
  private best: Float32Array | null = null
  private measuredSteps = -1
  private withoutBest = 0

  /** @param spans - of the trained factors */
  constructor(
    model: AdaptedModel,
    text: TokenText,
    settings: EarlyStop,
    { sequenceLength, batchSize }: EvaluationWindows,
    spans: readonly Span[]
  ) {
    this.model = model
    this.text = text
    this.settings = settings
    this.windows = { sequenceLength, batchSize }
    this.spans = spans
  }

  get state(): EarlyStopState {
    const { bestNats, best, measuredSteps, withoutBest } = this
    return { bestNats: best === null ? null : bestNats, best, measuredSteps, withoutBest }
  }

  restore({ bestNats, best, measuredSteps, withoutBest }: EarlyStopState): void {
    this.bestNats = bestNats ?? Number.POSITIVE_INFINITY
    this.best = best
    this.measuredSteps = measuredSteps
    this.withoutBest = withoutBest
  }

  /** Measures if it is time to, and says whether to stop. */
  async isDone(steps: number, adapter: Float32Array): Promise<boolean> {
    if (steps % this.settings.evaluateEverySteps === 0) await this.measure(steps, adapter)
    return this.withoutBest >= this.settings.patience
  }

  /** Puts the best adapter measured in place of the last one, after measuring that too. */
  async takeBest(steps: number, adapter: Float32Array): Promise<void> {
    await this.measure(steps, adapter)
    if (this.best !== null) scatterSpans(this.best, this.spans, adapter)
  }

  private async measure(steps: number, adapter: Float32Array): Promise<void> {
    if (steps === this.measuredSteps) return
    this.measuredSteps = steps
    const { nats } = await evaluateText(this.model, this.text, null, adapter, this.windows)
    if (nats < this.bestNats) {
      this.bestNats = nats
      this.best = gatherSpans(adapter, this.spans)
      this.withoutBest = 0
    } else this.withoutBest++
  }
}
