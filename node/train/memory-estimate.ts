import type { AdapterFactor } from '../../aggregation/adapter-layout.ts'
import type { Backend, BackendName } from '../backend/backend.ts'
import { openShapeBackend } from '../backend/shapes/shape-backend.ts'
import { FrozenModel } from '../model/frozen-model.ts'
import type { ModelConfig } from '../model/model-config.ts'
import { AdaptedModel } from '../peft/adapted-model.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import { targetedModules } from '../peft/lora.ts'
import type { EvaluationWindows } from './evaluate.ts'
import type { StepPlan } from './micro-batches.ts'

/**
 * Bytes of tensors that training a model would take, found by going through its computation without values: the same
 * code, on a backend that counts. It holds for every family and kind of adapter, to within what a backend's kernels hold
 * while they run.
 */
export class MemoryEstimate {
  /** The model's own weights. */
  readonly weightsBytes: number
  /** Elements of the adapter. */
  readonly adapterLength: number
  private readonly config: ModelConfig
  private readonly settings: AdapterSettings
  private readonly backendName: BackendName

  /** @throws PeftError UNKNOWN_TARGET, BAD_SETTING */
  constructor(config: ModelConfig, settings: AdapterSettings, backendName: BackendName) {
    this.config = config
    this.settings = settings
    this.backendName = backendName
    const { backend, model } = this.open()
    this.weightsBytes = backend.memory().bytes
    this.adapterLength = model.layout.length
  }

  /** The most that is held at once in a training step, weights included. */
  async stepBytes(
    { microBatchSize: batch, mode }: StepPlan,
    sequenceLength: number,
    factors: readonly AdapterFactor[] = ['A', 'B']
  ): Promise<number> {
    const { backend, model } = this.open()
    const ids = new Int32Array(batch * sequenceLength)
    const [adapter, gradient] = [new Float32Array(this.adapterLength), new Float32Array(this.adapterLength)]
    const tokens = { ids, batch, time: sequenceLength }
    await model.lossAndGradient(tokens, ids, adapter, factors, gradient, { mode })
    return backend.memory().peakBytes + this.dropoutBytes(ids.length, mode)
  }

  /** The most that is held at once while measuring, weights included. */
  async measuringBytes({ batchSize: batch, sequenceLength: time }: EvaluationWindows): Promise<number> {
    const { backend, model } = this.open()
    const ids = new Int32Array(batch * time)
    await model.nats({ ids, batch, time }, ids, new Float32Array(this.adapterLength))
    return backend.memory().peakBytes
  }

  private open(): { readonly backend: Backend; readonly model: AdaptedModel } {
    const backend = openShapeBackend(this.backendName)
    return { backend, model: new AdaptedModel(FrozenModel.ofZeros(backend, this.config), this.settings) }
  }

  /** Its masks are not made here, because drawing them takes time: one, and what it leaves, for each input of A. */
  private dropoutBytes(rows: number, mode: StepPlan['mode']): number {
    const { settings, config } = this
    if (settings.kind !== 'lora' || settings.dropout === 0) return 0
    const widths = Array<number>(config.layerCount).fill(0)
    for (const { layer, inSize } of targetedModules(config, settings)) widths[layer]! += inSize
    const width = mode === 'record' ? widths.reduce((sum, w) => sum + w, 0) : Math.max(...widths)
    return 2 * 4 * rows * width
  }
}
