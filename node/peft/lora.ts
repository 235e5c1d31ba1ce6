import { type AdapterTensor, layoutOf } from '../../aggregation/adapter-layout.ts'
import { utf8Bytes } from '../../aggregation/canonical-bytes.ts'
import { type Random, seededRandom } from '../../aggregation/random.ts'
import type { LowRank } from '../backend/ops/linear.ts'
import type { ModelConfig } from '../model/model-config.ts'
import { type LinearModule, layerName, linearModules } from '../model/tensors.ts'
import type { Adapter, AdapterContext } from './adapter.ts'
import type { LoraSettings } from './adapter-settings.ts'
import { PeftError } from './errors.ts'

export function loraScale({
  rank,
  alpha,
  rankStabilized
}: Pick<LoraSettings, 'rank' | 'alpha' | 'rankStabilized'>): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank)
}

/** A linear layer of one decoder layer. */
export interface TargetedModule extends LinearModule {
  readonly layer: number
}

/**
 * The linear layers that the settings name, in the layout's order. As in PEFT, a target is the end of a module's path: a
 * name such as `q_proj`, or as much of `model.layers.0.self_attn.q_proj` as tells it apart.
 * @throws PeftError UNKNOWN_TARGET
 */
export function targetedModules(
  config: ModelConfig,
  { targetModules }: Pick<LoraSettings, 'targetModules'>
): TargetedModule[] {
  const modules = linearModules(config)
  const all = Array.from({ length: config.layerCount }, (_, layer) =>
    modules.map(module => ({ ...module, layer }))
  ).flat()
  if (targetModules === 'all-linear') return all
  const isNamed = ({ layer, name }: TargetedModule, target: string) =>
    `.${layerName(config, layer)}.${name}`.endsWith(`.${target}`)
  for (const target of targetModules) {
    if (all.some(module => isNamed(module, target))) continue
    const known = [...new Set(modules.map(({ name }) => name.split('.').at(-1)!))]
    throw new PeftError(
      'UNKNOWN_TARGET',
      { target, known },
      `the model has no linear layer named ${target}: choose among ${known.join(', ')}, or write all-linear`
    )
  }
  return all.filter(module => targetModules.some(target => isNamed(module, target)))
}

/** The Hugging Face PEFT key of a factor. */
export function loraKey(config: ModelConfig, layer: number, module: string, factor: 'A' | 'B'): string {
  return `base_model.model.${layerName(config, layer)}.${module}.lora_${factor}.weight`
}

/**
 * By layer, then module, then A [rank, in] before B [out, rank].
 * @throws PeftError UNKNOWN_TARGET
 */
export function loraAdapter(config: ModelConfig, settings: LoraSettings): Adapter {
  const { rank } = settings
  const tensors: Array<Pick<AdapterTensor, 'name' | 'factor' | 'shape'>> = []
  for (const { layer, name, inSize, outSize } of targetedModules(config, settings)) {
    tensors.push({ name: loraKey(config, layer, name, 'A'), factor: 'A', shape: [rank, inSize] })
    tensors.push({ name: loraKey(config, layer, name, 'B'), factor: 'B', shape: [outSize, rank] })
  }
  const layout = layoutOf(tensors)
  const scale = loraScale(settings)
  return {
    settings,
    layout,
    initial: random => initialLora(layout, random),
    hooks: (tensors, context) => ({
      lowRank(layer, module, rows): LowRank | null {
        const a = tensors.get(loraKey(config, layer, module, 'A'))
        const b = tensors.get(loraKey(config, layer, module, 'B'))
        if (a === undefined || b === undefined) return null
        const mask = dropoutMask(context, settings.dropout, `${layer} ${module}`, [rows, a.tensor.shape[1]!])
        return { a, b, scale, mask }
      }
    })
  }
}

/**
 * A uniform in ±1 / sqrt(in), as Hugging Face PEFT draws it (Kaiming, a = sqrt(5)); B zero, so that the adapted model is
 * the base. Only integers, one division, one product and sqrt: the same bits on every machine.
 */
function initialLora(layout: Adapter['layout'], random: Random): Float32Array {
  const adapter = new Float32Array(layout.length)
  for (const { factor, shape, offset, length } of layout.tensors) {
    if (factor === 'B') continue
    const bound = 1 / Math.sqrt(shape[1]!)
    for (let i = offset; i < offset + length; i++) {
      adapter[i] = (random.nextUint32() / 2 ** 31 - 1) * bound
    }
  }
  return adapter
}

/** 0 with probability `share`, else 1 / (1 - share): the same for the same seed, place and sequence, however often asked. */
function dropoutMask(
  { backend, dropout }: AdapterContext,
  share: number,
  place: string,
  shape: readonly [number, number]
): LowRank['mask'] {
  if (dropout === null || share === 0) return null
  const { seed, firstSequence, sequences } = dropout
  const threshold = share * 2 ** 32
  const kept = 1 / (1 - share)
  const mask = new Float32Array(shape[0] * shape[1])
  const length = mask.length / sequences
  for (let sequence = 0; sequence < sequences; sequence++) {
    const random = seededRandom(utf8Bytes(`${seed} ${place} ${firstSequence + sequence}`))
    const end = (sequence + 1) * length
    for (let i = sequence * length; i < end; i++) mask[i] = random.nextUint32() < threshold ? 0 : kept
  }
  return backend.upload(mask, shape)
}
