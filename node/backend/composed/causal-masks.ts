import type { Tensor } from '@tensorflow/tfjs-core'
import type { AttentionShape } from '../backend.ts'
import type { Tfjs } from './tfjs-device.ts'

/** A training run has one or two; generation with a window makes a new one per token. */
const maxMasks = 8

/** Masks of attention by their shape, the latest ones. */
export class CausalMasks {
  readonly #tf: Tfjs
  readonly #masks = new Map<string, Tensor>()

  constructor(tf: Tfjs) {
    this.#tf = tf
  }

  /**
   * 0 where a query may look and very negative where it may not, [group * time, past + time], for the queries of the
   * heads that share keys; null if all may look everywhere.
   */
  get(shape: AttentionShape, pastLength: number): Tensor | null {
    const { time, window } = shape
    // A single query is the last position: it sees whatever its window reaches.
    if (time === 1 && (window === null || window > pastLength)) return null
    const group = shape.headCount / shape.keyValueHeadCount
    const key = [group, time, window, pastLength].join(' ')
    const mask = this.#masks.get(key) ?? this.#make(shape, group, pastLength)
    this.#masks.delete(key)
    this.#masks.set(key, mask)
    const [oldest] = this.#masks.keys()
    if (this.#masks.size > maxMasks) this.#drop(oldest!)
    return mask
  }

  clear(): void {
    for (const key of [...this.#masks.keys()]) this.#drop(key)
  }

  #make({ time, window }: AttentionShape, group: number, pastLength: number): Tensor {
    const reach = window ?? Number.POSITIVE_INFINITY
    const positions = pastLength + time
    const mask = new Float32Array(group * time * positions)
    for (let row = 0; row < group * time; row++) {
      const t = row % time
      for (let position = 0; position < positions; position++) {
        const distance = t + pastLength - position
        // Not infinite: the sum with an infinite score would not be a number.
        if (distance < 0 || distance >= reach) mask[row * positions + position] = -1e30
      }
    }
    return this.#tf.keep(this.#tf.tensor2d(mask, [group * time, positions]))
  }

  #drop(key: string): void {
    this.#masks.get(key)!.dispose()
    this.#masks.delete(key)
  }
}
