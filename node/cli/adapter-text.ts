import type { AdapterManifest } from '../../protocols/run-manifest.ts'

/** An adapter in a few words, e.g. `LoRA r 8`. */
export function adapterText(adapter: AdapterManifest): string {
  switch (adapter.kind) {
    case 'lora':
      return `LoRA r ${adapter.rank}`
    case 'bottleneck':
      return `bottleneck (${adapter.placement}, 1/${adapter.reductionFactor})`
    case 'prefix':
      return `prefix of ${adapter.virtualTokens}`
  }
}
