import { type AdapterLayout, type AdapterTensor, layoutOf } from '../../aggregation/adapter-layout.ts'
import type { Random } from '../../aggregation/random.ts'
import type { LlamaConfig } from '../model/model-config.ts'
import { groupModules, linearGroups, moduleShape } from '../model/model-weights.ts'
import { PeftError } from './errors.ts'

/** A low-rank adapter: W + scale B A beside chosen linear layers. Source: Hu et al. 2021, arXiv:2106.09685. */
export interface LoraSettings {
  readonly rank: number
  readonly alpha: number
  /** Scale alpha / sqrt(rank) instead of alpha / rank (rsLoRA, arXiv:2312.03732). */
  readonly rankStabilized?: boolean
  /** Ends of module names as in Hugging Face PEFT, e.g. `q_proj`, or every linear layer but the head. */
  readonly targetModules: 'all-linear' | readonly string[]
}

export function loraScale({ rank, alpha, rankStabilized = false }: LoraSettings): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank)
}

/** Every linear module of a layer, in the order of an adapter's layout. */
export const linearModules: readonly string[] = linearGroups.flatMap(group => groupModules[group])

/**
 * The modules of a layer that the settings name, in the layout's order, e.g. `self_attn.q_proj`.
 * @throws PeftError UNKNOWN_TARGET
 */
export function targetedModules(settings: Pick<LoraSettings, 'targetModules'>): string[] {
  const { targetModules } = settings
  if (targetModules === 'all-linear') return [...linearModules]
  const isNamed = (module: string, target: string) => module === target || module.endsWith(`.${target}`)
  for (const target of targetModules) {
    if (linearModules.some(module => isNamed(module, target))) continue
    const known = linearModules.map(module => module.split('.').at(-1)!)
    throw new PeftError(
      'UNKNOWN_TARGET',
      { target, known },
      `the model has no linear layer named ${target}: choose among ${known.join(', ')}, or write all-linear`
    )
  }
  return linearModules.filter(module => targetModules.some(target => isNamed(module, target)))
}

/** The Hugging Face PEFT key of a factor. */
export function loraKey(layer: number, module: string, factor: 'A' | 'B'): string {
  return `base_model.model.model.layers.${layer}.${module}.lora_${factor}.weight`
}

/**
 * Where each factor lies in the flat vector: by layer, then module, then A [rank, in] before B [out, rank].
 * @throws PeftError UNKNOWN_TARGET
 */
export function loraLayout(config: LlamaConfig, settings: LoraSettings): AdapterLayout {
  const modules = targetedModules(settings)
  const { rank } = settings
  const tensors: Array<Pick<AdapterTensor, 'name' | 'factor' | 'shape'>> = []
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const module of modules) {
      const [outSize, inSize] = moduleShape(config, module)!
      tensors.push({ name: loraKey(layer, module, 'A'), factor: 'A', shape: [rank, inSize] })
      tensors.push({ name: loraKey(layer, module, 'B'), factor: 'B', shape: [outSize, rank] })
    }
  }
  return layoutOf(tensors)
}

/**
 * The adapter that every peer starts from, [layout.length]: A uniform in ±1 / sqrt(in), as Hugging Face PEFT draws it
 * (Kaiming, a = sqrt(5)); B zero, so that the adapted model is the base.
 * Only integers, one division, one product and sqrt: the same bits on every machine.
 */
export function initialLora(layout: AdapterLayout, random: Random): Float32Array {
  const adapter = new Float32Array(layout.length)
  for (const { factor, shape, offset, length } of layout.tensors) {
    if (factor === 'B') continue
    const bound = 1 / Math.sqrt(shape[1])
    for (let i = offset; i < offset + length; i++) {
      adapter[i] = (random.nextUint32() / 2 ** 31 - 1) * bound
    }
  }
  return adapter
}
