import type { Random } from '../../aggregation/random.ts'
import type { Backend, Tensor } from '../backend/backend.ts'
import { headLoss } from '../backend/ops/head-loss.ts'
import { parameter, Tape, type TapeMode, type Variable } from '../backend/tape.ts'
import { noAdapter } from './adapter-hooks.ts'
import type { ModelConfig } from './model-config.ts'
import { readTensor, transposed, transposedNames } from './model-weights.ts'
import { RotaryCache } from './rotary-cache.ts'
import type { NamedTensor } from './safetensors.ts'
import { modelTensors } from './tensors.ts'
import { Decoder, type TokenBatch } from './transformer.ts'
import type { WeightSource } from './weight-source.ts'

interface Placed {
  readonly name: string
  /** On the backend: [out, in] for every linear weight. */
  readonly shape: readonly number[]
  readonly offset: number
  readonly length: number
}

/** A model all of whose weights are trained (pretraining, full fine-tuning). They lie in one flat vector, matrices first. */
export class TrainedModel {
  readonly config: ModelConfig
  readonly backend: Backend
  readonly parameters: Float32Array
  /** Elements of `parameters` that belong to matrices; biases and gains after them are usually not decayed. */
  readonly matrixLength: number
  private readonly placed: readonly Placed[]
  private readonly rotary: RotaryCache

  private constructor(backend: Backend, config: ModelConfig) {
    this.backend = backend
    this.config = config
    this.rotary = new RotaryCache(backend, config)
    const turned = transposedNames(config)
    let offset = 0
    let matrixLength = 0
    this.placed = modelTensors(config).map(({ name, shape }) => {
      const length = shape.reduce((product, size) => product * size, 1)
      const placed = { name, shape: turned.has(name) ? shape.toReversed() : shape, offset, length }
      offset += length
      if (shape.length === 2) matrixLength = offset
      return placed
    })
    this.matrixLength = matrixLength
    this.parameters = new Float32Array(offset)
  }

  /** @throws ModelError TENSOR_MISMATCH, CORRUPT_SAFETENSORS; FilesError */
  static async load(backend: Backend, config: ModelConfig, source: WeightSource): Promise<TrainedModel> {
    const model = new TrainedModel(backend, config)
    const turned = transposedNames(config)
    for (const [i, { name, shape }] of modelTensors(config).entries()) {
      const values = await readTensor(source, { name, shape })
      const [rows, columns] = shape as [number, number]
      model.parameters.set(
        turned.has(name) ? transposed(values, rows, columns) : values,
        model.placed[i]!.offset
      )
    }
    return model
  }

  /** Copies of the weights under their Hugging Face names, in their files' orientation. */
  weights(): Map<string, NamedTensor> {
    const turned = transposedNames(this.config)
    return new Map(
      this.placed.map(({ name, shape, offset, length }) => {
        const data = this.parameters.slice(offset, offset + length)
        if (!turned.has(name)) return [name, { shape: [...shape], data }]
        const [rows, columns] = shape as [number, number]
        return [name, { shape: [columns, rows], data: transposed(data, rows, columns) }]
      })
    )
  }

  /**
   * One forward and backward pass.
   * @param targets - token id or -1 for each position; at least one counts
   * @param gradient - [parameters.length], overwritten
   * @returns mean nats per counted target
   */
  async lossAndGradient(tokens: TokenBatch, targets: Int32Array, gradient: Float32Array): Promise<number> {
    return this.run('record', tokens, targets, async (tape, nats, mean, variables) => {
      tape.backward(mean, this.backend.zeros([1]))
      for (const { name, offset, length } of this.placed) {
        const tensor = tape.take(variables.get(name)!)
        if (tensor === null) gradient.fill(0, offset, offset + length)
        else {
          gradient.set(await this.backend.download(tensor), offset)
          this.backend.free(tensor)
        }
      }
      return nats / targets.filter(target => target >= 0).length
    })
  }

  /** Sum of nats over the targets that count. */
  nats(tokens: TokenBatch, targets: Int32Array): Promise<number> {
    return this.run('forward', tokens, targets, async (_tape, nats) => nats)
  }

  dispose(): void {
    this.rotary.dispose()
  }

  private async run(
    mode: TapeMode,
    tokens: TokenBatch,
    targets: Int32Array,
    use: (
      tape: Tape,
      nats: number,
      mean: Variable,
      variables: ReadonlyMap<string, Variable>
    ) => Promise<number>
  ): Promise<number> {
    const variables = new Map(
      this.placed.map(({ name, shape, offset, length }) => {
        return [
          name,
          parameter(this.backend.upload(this.parameters.subarray(offset, offset + length), shape))
        ]
      })
    )
    const tape = new Tape(this.backend, mode)
    try {
      const decoder = new Decoder(this.config, name => variables.get(name)!)
      const rotary = this.rotary.at(0, tokens.time)
      const input = { tokens, firstPosition: 0, rotary, adapter: noAdapter, cache: null }
      const { nats, mean } = headLoss(tape, decoder.hidden(tape, input), decoder.head(), targets)
      return await use(tape, await this.sumAndFree(nats), mean, variables)
    } finally {
      tape.dispose()
      for (const { tensor } of variables.values()) this.backend.free(tensor)
    }
  }

  private async sumAndFree(tensors: readonly Tensor[]): Promise<number> {
    let sum = 0
    for (const tensor of tensors) {
      for (const value of await this.backend.download(tensor)) sum += value
      this.backend.free(tensor)
    }
    return sum
  }
}

/**
 * Fresh weights: matrices normal with the config's deviation, gains 1, biases 0. What ends a branch of the residual stream
 * starts smaller by the root of their number (Radford et al. 2019).
 */
export function initialWeights(config: ModelConfig, random: Random): Map<string, NamedTensor> {
  const branchEnd = /\.(o_proj|down_proj|c_proj)\.weight$/
  return new Map(
    modelTensors(config).map(({ name, shape }) => {
      const length = shape.reduce((product, size) => product * size, 1)
      const deviation =
        config.initializerRange / (branchEnd.test(name) ? Math.sqrt(2 * config.layerCount) : 1)
      const isGain = shape.length === 1 && !name.endsWith('.bias')
      const data =
        shape.length === 2
          ? Float32Array.from({ length }, () => normal(random) * deviation)
          : new Float32Array(length).fill(isGain ? 1 : 0)
      return [name, { shape: [...shape], data }]
    })
  )
}

/** A standard normal draw. Source: Box and Muller 1958. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log((random.nextUint32() + 1) / 2 ** 32))
  return radius * Math.cos((2 * Math.PI * random.nextUint32()) / 2 ** 32)
}
