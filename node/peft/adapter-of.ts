import type { ModelConfig } from '../model/model-config.ts'
import type { Adapter } from './adapter.ts'
import type { AdapterSettings } from './adapter-settings.ts'
import { bottleneckAdapter } from './bottleneck.ts'
import { loraAdapter } from './lora.ts'
import { prefixAdapter } from './prefix.ts'

/** @throws PeftError UNKNOWN_TARGET, BAD_SETTING */
export function adapterOf(config: ModelConfig, settings: AdapterSettings): Adapter {
  switch (settings.kind) {
    case 'lora':
      return loraAdapter(config, settings)
    case 'bottleneck':
      return bottleneckAdapter(config, settings)
    case 'prefix':
      return prefixAdapter(config, settings)
  }
}
