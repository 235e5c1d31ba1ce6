import * as tf from '@tensorflow/tfjs'
import type { AdapterLayout, LoraFactor } from '../../aggregation/adapter-layout.ts'
import { withValues } from '../backend/host-kernel.ts'
import type { FactorsOf } from '../model/frozen-model.ts'
import type { LowRankFactors } from '../model/linear.ts'
import type { LlamaConfig } from '../model/model-config.ts'
import { groupModules, type LinearGroup, linearGroups, moduleShape } from '../model/model-weights.ts'
import { type LoraSettings, loraKey, loraLayout, loraScale, targetedModules } from './lora.ts'

/** One module's factors inside the stacked factors of its group. */
interface Member {
  readonly aOffset: number
  readonly bOffset: number
  /** First row of the group's stacked output that is this module's. */
  readonly firstRow: number
  readonly rows: number
}

/** The adapted modules of one group: A's stacked by rows, B's on the diagonal of [out, members * rank]. */
interface StackedGroup {
  readonly members: readonly Member[]
  readonly inSize: number
  readonly outSize: number
}

/** An adapter as tensors, for one step. */
export interface LoraTensors {
  readonly factorsOf: FactorsOf
  /** The tensors that get gradients, in the order in which `readGradients` takes them. */
  readonly trained: tf.Tensor[]
  dispose(): void
}

/** How flat adapter vectors become the stacked factors that the model computes with, and gradients become flat again. */
export class LoraFactors {
  readonly layout: AdapterLayout
  private readonly rank: number
  private readonly scale: number
  private readonly groups = new Map<string, StackedGroup>()

  /** @throws PeftError UNKNOWN_TARGET */
  constructor(config: LlamaConfig, settings: LoraSettings) {
    this.layout = loraLayout(config, settings)
    this.rank = settings.rank
    this.scale = loraScale(settings)
    const offsets = new Map(this.layout.tensors.map(({ name, offset }) => [name, offset]))
    const targeted = new Set(targetedModules(settings))
    for (let layer = 0; layer < config.layerCount; layer++) {
      for (const group of linearGroups) {
        const stacked = stackGroup(config, layer, group, targeted, offsets)
        if (stacked.members.length > 0) this.groups.set(groupKey(layer, group), stacked)
      }
    }
  }

  /**
   * @param adapter - [layout.length]
   * @param factors - which factors get gradients; none for evaluation
   */
  tensors(adapter: Float32Array, factors: readonly LoraFactor[]): LoraTensors {
    const trains = { a: factors.includes('A'), b: factors.includes('B') }
    const byGroup = new Map<string, LowRankFactors>()
    for (const [key, group] of this.groups) {
      const columns = group.members.length * this.rank
      byGroup.set(key, {
        a: tf.tensor2d(this.stackA(adapter, group), [columns, group.inSize]),
        b: tf.tensor2d(this.stackB(adapter, group), [group.outSize, columns]),
        scale: this.scale,
        trains
      })
    }
    const all = [...byGroup.values()]
    return {
      factorsOf: (layer, group) => byGroup.get(groupKey(layer, group)),
      trained: all.flatMap(({ a, b }) => [...(trains.a ? [a] : []), ...(trains.b ? [b] : [])]),
      dispose: () => {
        for (const { a, b } of all) tf.dispose([a, b])
      }
    }
  }

  /**
   * Writes the gradients of `LoraTensors.trained` to their places in a flat vector; other places stay as they are.
   * @param gradient - [layout.length]
   */
  readGradients(
    gradients: readonly tf.Tensor[],
    factors: readonly LoraFactor[],
    gradient: Float32Array
  ): void {
    let next = 0
    for (const group of this.groups.values()) {
      if (factors.includes('A'))
        withValues(gradients[next++]!, values => this.unstackA(values, group, gradient))
      if (factors.includes('B'))
        withValues(gradients[next++]!, values => this.unstackB(values, group, gradient))
    }
  }

  private stackA(adapter: Float32Array, { members, inSize }: StackedGroup): Float32Array {
    const length = this.rank * inSize
    const stacked = new Float32Array(members.length * length)
    for (const [i, { aOffset }] of members.entries()) {
      stacked.set(adapter.subarray(aOffset, aOffset + length), i * length)
    }
    return stacked
  }

  private unstackA(stacked: Float32Array, { members, inSize }: StackedGroup, gradient: Float32Array): void {
    const length = this.rank * inSize
    for (const [i, { aOffset }] of members.entries()) {
      gradient.set(stacked.subarray(i * length, (i + 1) * length), aOffset)
    }
  }

  private stackB(adapter: Float32Array, group: StackedGroup): Float32Array {
    const stacked = new Float32Array(group.outSize * group.members.length * this.rank)
    this.forEachRowOfB(group, (flat, at) => stacked.set(adapter.subarray(flat, flat + this.rank), at))
    return stacked
  }

  private unstackB(stacked: Float32Array, group: StackedGroup, gradient: Float32Array): void {
    this.forEachRowOfB(group, (flat, at) => gradient.set(stacked.subarray(at, at + this.rank), flat))
  }

  private forEachRowOfB({ members }: StackedGroup, visit: (flat: number, stacked: number) => void): void {
    const columns = members.length * this.rank
    for (const [i, { bOffset, firstRow, rows }] of members.entries()) {
      for (let row = 0; row < rows; row++) {
        visit(bOffset + row * this.rank, (firstRow + row) * columns + i * this.rank)
      }
    }
  }
}

function groupKey(layer: number, group: LinearGroup): string {
  return `${layer} ${group}`
}

function stackGroup(
  config: LlamaConfig,
  layer: number,
  group: LinearGroup,
  targeted: ReadonlySet<string>,
  offsets: ReadonlyMap<string, number>
): StackedGroup {
  const members: Member[] = []
  let outSize = 0
  let inSize = 0
  for (const module of groupModules[group]) {
    const [rows, columns] = moduleShape(config, module)!
    if (targeted.has(module)) {
      members.push({
        aOffset: offsets.get(loraKey(layer, module, 'A'))!,
        bOffset: offsets.get(loraKey(layer, module, 'B'))!,
        firstRow: outSize,
        rows
      })
    }
    outSize += rows
    inSize = columns
  }
  return { members, inSize, outSize }
}
