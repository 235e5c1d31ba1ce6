import type { AdapterFactor, AdapterTensor } from '../../aggregation/adapter-layout.ts'
import type { Tape, TapeMode } from '../backend/tape.ts'
import { constant, parameter, type Variable } from '../backend/tape.ts'
import { type AdapterHooks, noAdapter } from '../model/adapter-hooks.ts'
import type { FrozenModel } from '../model/frozen-model.ts'
import { KeyValueCache } from '../model/key-value-cache.ts'
import type { TokenBatch } from '../model/transformer.ts'
import type { Adapter, Dropout } from './adapter.ts'
import { adapterOf } from './adapter-of.ts'
import type { AdapterSettings } from './adapter-settings.ts'

export interface GradientOptions {
  /** `checkpoint` holds less and computes the forward pass twice. */
  readonly mode?: Exclude<TapeMode, 'forward'>
  /** Which elements dropout drops; without one, none. */
  readonly dropoutSeed?: string
  /** Place of the first sequence in the batch that these are a part of, which drops the same whole or in parts; 0 by default. */
  readonly firstSequence?: number
}

/** A frozen model with an adapter that is passed in with each call as a flat vector. */
export class AdaptedModel {
  readonly base: FrozenModel
  readonly adapter: Adapter

  /** @throws PeftError UNKNOWN_TARGET, BAD_SETTING */
  constructor(base: FrozenModel, settings: AdapterSettings) {
    this.base = base
    this.adapter = adapterOf(base.config, settings)
  }

  get layout(): Adapter['layout'] {
    return this.adapter.layout
  }

  /** Longest text in tokens: a prefix takes positions too. */
  get positionsMax(): number {
    const { settings } = this.adapter
    return this.base.config.maxPositions - (settings.kind === 'prefix' ? settings.virtualTokens : 0)
  }

  /**
   * One forward and backward pass.
   * @param targets - token id or -1 for each position; at least one counts
   * @param trained - which factors get a gradient
   * @param gradient - [layout.length]; written where `trained` has a gradient, left alone elsewhere
   * @returns mean nats per counted target
   */
  async lossAndGradient(
    tokens: TokenBatch,
    targets: Int32Array,
    adapter: Float32Array,
    trained: readonly AdapterFactor[],
    gradient: Float32Array,
    { mode = 'record', dropoutSeed: seed, firstSequence = 0 }: GradientOptions = {}
  ): Promise<number> {
    const dropout = seed === undefined ? null : { seed, firstSequence, sequences: tokens.batch }
    return this.withAdapter(adapter, trained, mode, dropout, async (hooks, tape, variables) => {
      const loss = await this.base.lossAndGradient(tape, tokens, targets, hooks)
      const wanted = this.layout.tensors.filter(tensor => trained.includes(tensor.factor))
      await Promise.all(wanted.map(tensor => this.readGradient(tape, variables, tensor, gradient)))
      return loss
    })
  }

  /** Sum of nats over the targets that count. @param adapter - null for the base alone */
  nats(tokens: TokenBatch, targets: Int32Array, adapter: Float32Array | null): Promise<number> {
    return this.measuring(adapter, hooks => this.base.nats(tokens, targets, hooks))
  }

  /** Logits of every position, [batch * time * vocabulary]. */
  logits(tokens: TokenBatch, adapter: Float32Array | null): Promise<Float32Array> {
    return this.measuring(adapter, hooks => this.base.logits(tokens, hooks))
  }

  /**
   * Logits of the token after a text: -> [vocabulary].
   * @param ids - the tokens that `cache` has not seen yet, at least one
   * @param cache - the same for all calls on one text
   */
  nextLogits(ids: Int32Array, cache: KeyValueCache, adapter: Float32Array | null): Promise<Float32Array> {
    return this.measuring(adapter, hooks => this.base.nextLogits(ids, cache, hooks))
  }

  /** For a new text. The caller disposes of it. */
  cache(): KeyValueCache {
    return new KeyValueCache(this.base.backend)
  }

  private measuring<R>(adapter: Float32Array | null, run: (hooks: AdapterHooks) => Promise<R>): Promise<R> {
    return adapter === null ? run(noAdapter) : this.withAdapter(adapter, [], 'forward', null, run)
  }

  /** Puts the adapter on the backend for the time of `run`. */
  private async withAdapter<R>(
    adapter: Float32Array,
    trained: readonly AdapterFactor[],
    mode: TapeMode,
    dropout: Dropout | null,
    run: (hooks: AdapterHooks, tape: Tape, variables: ReadonlyMap<string, Variable>) => Promise<R>
  ): Promise<R> {
    const { backend } = this.base
    const variables = new Map<string, Variable>()
    const tape = this.base.tape(mode)
    try {
      for (const { name, factor, shape, offset, length } of this.layout.tensors) {
        const tensor = backend.upload(adapter.subarray(offset, offset + length), shape)
        variables.set(name, trained.includes(factor) ? parameter(tensor) : constant(tensor))
      }
      return await run(this.adapter.hooks(variables, { backend, tape, dropout }), tape, variables)
    } finally {
      tape.dispose()
      for (const { tensor } of variables.values()) backend.free(tensor)
    }
  }

  private async readGradient(
    tape: Tape,
    variables: ReadonlyMap<string, Variable>,
    { name, offset, length }: AdapterTensor,
    gradient: Float32Array
  ): Promise<void> {
    const tensor = tape.take(variables.get(name)!)
    if (tensor === null) {
      gradient.fill(0, offset, offset + length)
      return
    }
    gradient.set(await this.base.backend.download(tensor), offset)
    this.base.backend.free(tensor)
  }
}
