import { layoutOf } from '../../aggregation/adapter-layout.ts'
import { splitColumns } from '../backend/ops/table.ts'
import type { ModelConfig } from '../model/model-config.ts'
import type { Adapter } from './adapter.ts'
import type { PrefixSettings } from './adapter-settings.ts'
import { PeftError } from './errors.ts'
import { nearNormal } from './near-normal.ts'

/** PEFT's only key; its columns are keys and values of layer 0, keys and values of layer 1, and so on. */
export const prefixKey = 'prompt_embeddings'

/** @throws PeftError BAD_SETTING if it leaves no position for a text */
export function prefixAdapter(config: ModelConfig, settings: PrefixSettings): Adapter {
  const { virtualTokens } = settings
  const most = config.maxPositions - 1
  if (!(virtualTokens >= 1 && virtualTokens <= most)) {
    throw new PeftError(
      'BAD_SETTING',
      { setting: 'virtualTokens', got: virtualTokens, expected: `1 to ${most}` },
      `virtualTokens ${virtualTokens} leaves no room for a text in the model's ${config.maxPositions} positions: choose 1 to ${most}`
    )
  }
  const width = config.keyValueHeadCount * config.headSize
  const widths = Array<number>(2 * config.layerCount).fill(width)
  const layout = layoutOf([
    { name: prefixKey, factor: 'B', shape: [virtualTokens, 2 * config.layerCount * width] }
  ])
  return {
    settings,
    layout,
    // As PyTorch starts an embedding.
    initial: random => Float32Array.from({ length: layout.length }, () => nearNormal(random)),
    hooks(tensors, { tape }) {
      const parts = splitColumns(tape, tensors.get(prefixKey)!, widths)
      return {
        firstPosition: virtualTokens,
        past: layer => ({
          keys: parts[2 * layer]!,
          values: parts[2 * layer + 1]!,
          length: virtualTokens,
          shared: true
        })
      }
    }
  }
}
