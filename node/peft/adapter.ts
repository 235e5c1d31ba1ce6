import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import type { Random } from '../../aggregation/random.ts'
import type { Backend } from '../backend/backend.ts'
import type { Tape, Variable } from '../backend/tape.ts'
import type { AdapterHooks } from '../model/adapter-hooks.ts'
import type { AdapterSettings } from './adapter-settings.ts'

/** An adapter of one model: named tensors that lie in one flat vector, and how they act on the model. */
export interface Adapter {
  readonly settings: AdapterSettings
  readonly layout: AdapterLayout
  /** The vector that every peer starts from, [layout.length]; a LoRA or a bottleneck leaves the model as it is. */
  initial(random: Random): Float32Array
  /** @param tensors - by their names in the layout */
  hooks(tensors: ReadonlyMap<string, Variable>, context: AdapterContext): AdapterHooks
}

export interface AdapterContext {
  readonly backend: Backend
  /** Of one forward and backward pass. */
  readonly tape: Tape
  /** Null without, as when measuring. */
  readonly dropout: Dropout | null
}

/** Which elements dropout drops: for each sequence of a batch others, and the same whatever is computed beside it. */
export interface Dropout {
  readonly seed: string
  /** Place in the batch of the first one computed. */
  readonly firstSequence: number
  /** Computed at once. */
  readonly sequences: number
}
