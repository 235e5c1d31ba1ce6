import { type AdapterTensor, layoutOf } from '../../aggregation/adapter-layout.ts'
import type { Random } from '../../aggregation/random.ts'
import { activate, add } from '../backend/ops/elementwise.ts'
import { linear } from '../backend/ops/linear.ts'
import type { Tape, Variable } from '../backend/tape.ts'
import type { ModelConfig } from '../model/model-config.ts'
import { layerName } from '../model/tensors.ts'
import type { Adapter } from './adapter.ts'
import type { BottleneckSettings } from './adapter-settings.ts'
import { PeftError } from './errors.ts'
import { nearNormal } from './near-normal.ts'

/** AdapterHub's names of the places behind the parts of a layer. */
const places = { attention: 'attention_adapters', mlp: 'output_adapters' } as const

type Part = keyof typeof places

/** Standard deviation of fresh weights, AdapterHub's `bert` initialisation. */
const initialDeviation = 0.02

/** The key of an adapter tensor; `fedpeft` is the adapter's name in its files. */
export function bottleneckKey(
  config: ModelConfig,
  layer: number,
  part: Part,
  end: 'adapter_down.0.weight' | 'adapter_down.0.bias' | 'adapter_up.weight' | 'adapter_up.bias'
): string {
  return `${layerName(config, layer)}.${places[part]}.adapters.fedpeft.${end}`
}

/** @throws PeftError BAD_SETTING if the bottleneck has no unit */
export function bottleneckAdapter(config: ModelConfig, settings: BottleneckSettings): Adapter {
  const { hiddenSize } = config
  const { placement, reductionFactor, activation } = settings
  const units = Math.floor(hiddenSize / reductionFactor)
  if (!(units >= 1)) {
    throw new PeftError(
      'BAD_SETTING',
      { setting: 'reductionFactor', got: reductionFactor, expected: `at most ${hiddenSize}` },
      `reductionFactor ${reductionFactor} leaves no unit of the model's width ${hiddenSize}: choose at most ${hiddenSize}`
    )
  }
  const parts: readonly Part[] = placement === 'houlsby' ? ['attention', 'mlp'] : ['mlp']
  const tensors: Array<Pick<AdapterTensor, 'name' | 'factor' | 'shape'>> = []
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const part of parts) {
      const key = (end: Parameters<typeof bottleneckKey>[3]) => bottleneckKey(config, layer, part, end)
      tensors.push({ name: key('adapter_down.0.weight'), factor: 'A', shape: [units, hiddenSize] })
      tensors.push({ name: key('adapter_down.0.bias'), factor: 'A', shape: [units] })
      tensors.push({ name: key('adapter_up.weight'), factor: 'B', shape: [hiddenSize, units] })
      tensors.push({ name: key('adapter_up.bias'), factor: 'B', shape: [hiddenSize] })
    }
  }
  const layout = layoutOf(tensors)
  return {
    settings,
    layout,
    initial: random => initialBottleneck(layout, random),
    hooks: tensors => ({
      join(tape: Tape, layer: number, part: Part, output: Variable, residual: Variable): Variable {
        const tensor = (end: Parameters<typeof bottleneckKey>[3]) =>
          tensors.get(bottleneckKey(config, layer, part, end))
        const down = tensor('adapter_down.0.weight')
        if (down === undefined) return add(tape, residual, output)
        const sum = add(tape, residual, output)
        const entering = placement === 'pfeiffer' ? sum : output
        const inner = activate(tape, activation, linear(tape, entering, down, tensor('adapter_down.0.bias')))
        return add(tape, sum, linear(tape, inner, tensor('adapter_up.weight')!, tensor('adapter_up.bias')))
      }
    })
  }
}

/** Down projections normal, everything else zero: the model is the base at first. */
function initialBottleneck(layout: Adapter['layout'], random: Random): Float32Array {
  const adapter = new Float32Array(layout.length)
  for (const { factor, shape, offset, length } of layout.tensors) {
    if (factor === 'B' || shape.length === 1) continue
    for (let i = offset; i < offset + length; i++) adapter[i] = initialDeviation * nearNormal(random)
  }
  return adapter
}
