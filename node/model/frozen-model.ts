import type { Backend, Tensor } from '../backend/backend.ts'
import { headLoss } from '../backend/ops/head-loss.ts'
import { linear } from '../backend/ops/linear.ts'
import { gather } from '../backend/ops/table.ts'
import { Tape, type TapeMode, type Variable } from '../backend/tape.ts'
import { type AdapterHooks, noAdapter } from './adapter-hooks.ts'
import type { KeyValueCache } from './key-value-cache.ts'
import type { ModelConfig } from './model-config.ts'
import { loadWeights, zeroWeights } from './model-weights.ts'
import { RotaryCache } from './rotary-cache.ts'
import { Decoder, type TokenBatch, type WeightOf } from './transformer.ts'
import type { WeightSource } from './weight-source.ts'

/** A model on a backend whose own weights never change; adapters act on it through hooks. */
export class FrozenModel {
  readonly config: ModelConfig
  readonly backend: Backend
  private readonly weights: ReadonlyMap<string, Variable>
  private readonly decoder: Decoder
  private readonly rotary: RotaryCache

  private constructor(backend: Backend, config: ModelConfig, weights: ReadonlyMap<string, Variable>) {
    this.backend = backend
    this.config = config
    this.weights = weights
    this.rotary = new RotaryCache(backend, config)
    const weightOf: WeightOf = name => weights.get(name)!
    this.decoder = new Decoder(config, weightOf)
  }

  /** @throws as loadWeights */
  static async load(
    backend: Backend,
    config: ModelConfig,
    source: WeightSource,
    onTensor?: (done: number, total: number) => void
  ): Promise<FrozenModel> {
    return new FrozenModel(backend, config, await loadWeights(backend, config, source, onTensor))
  }

  /** A model that says nothing, for what its computation takes: on a backend that counts and does not compute. */
  static ofZeros(backend: Backend, config: ModelConfig): FrozenModel {
    return new FrozenModel(backend, config, zeroWeights(backend, config))
  }

  /**
   * Forward and backward: the gradients of the mean nats per counted target lie on the tape afterwards, by parameter.
   * @param targets - token id or -1 for each position; at least one counts
   * @returns that mean
   */
  async lossAndGradient(
    tape: Tape,
    tokens: TokenBatch,
    targets: Int32Array,
    adapter: AdapterHooks
  ): Promise<number> {
    const { nats, mean } = headLoss(
      tape,
      this.hidden(tape, tokens, adapter, null),
      this.decoder.head(),
      targets
    )
    tape.backward(mean, this.backend.zeros([1]))
    const values = await this.takeValues(nats)
    return sumOf(values) / values.reduce((count, piece) => count + piece.length, 0)
  }

  /** Sum of nats over the targets that count; 0 if none does. */
  async nats(tokens: TokenBatch, targets: Int32Array, adapter: AdapterHooks = noAdapter): Promise<number> {
    return this.forward(async tape => {
      const { nats } = headLoss(tape, this.hidden(tape, tokens, adapter, null), this.decoder.head(), targets)
      return sumOf(await this.takeValues(nats))
    })
  }

  /** Logits of every position: -> [batch * time * vocabulary]. */
  async logits(tokens: TokenBatch, adapter: AdapterHooks = noAdapter): Promise<Float32Array> {
    return this.forward(tape => {
      const logits = linear(tape, this.hidden(tape, tokens, adapter, null), this.decoder.head())
      return this.backend.download(logits.tensor)
    })
  }

  /**
   * Logits of the token after a text: -> [vocabulary].
   * @param ids - the tokens that `cache` has not seen yet, at least one
   * @param cache - holds what came before and takes these in; its positions and these are at most config.maxPositions
   */
  async nextLogits(
    ids: Int32Array,
    cache: KeyValueCache,
    adapter: AdapterHooks = noAdapter
  ): Promise<Float32Array> {
    return this.forward(tape => {
      const tokens = { ids, batch: 1, time: ids.length }
      const hidden = this.hidden(tape, tokens, adapter, cache)
      cache.positions += ids.length
      const last = gather(tape, hidden, Int32Array.of(ids.length - 1))
      return this.backend.download(linear(tape, last, this.decoder.head()).tensor)
    })
  }

  tape(mode: TapeMode): Tape {
    return new Tape(this.backend, mode)
  }

  dispose(): void {
    this.rotary.dispose()
    for (const { tensor } of this.weights.values()) this.backend.free(tensor)
  }

  private hidden(
    tape: Tape,
    tokens: TokenBatch,
    adapter: AdapterHooks,
    cache: KeyValueCache | null
  ): Variable {
    const firstPosition = (cache?.positions ?? 0) + (adapter.firstPosition ?? 0)
    const rotary = this.rotary.at(firstPosition, tokens.time)
    return this.decoder.hidden(tape, { tokens, firstPosition, rotary, adapter, cache })
  }

  private async forward<R>(run: (tape: Tape) => Promise<R>): Promise<R> {
    const tape = this.tape('forward')
    try {
      return await run(tape)
    } finally {
      tape.dispose()
    }
  }

  private async takeValues(tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const values = await Promise.all(tensors.map(tensor => this.backend.download(tensor)))
    for (const tensor of tensors) this.backend.free(tensor)
    return values
  }
}

/** In float64. */
function sumOf(pieces: readonly Float32Array[]): number {
  let sum = 0
  for (const piece of pieces) for (const value of piece) sum += value
  return sum
}
