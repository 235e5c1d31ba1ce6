/** What kind of adapter, and how large. */
import type { Activation } from '../backend/backend.ts'

export type AdapterSettings = LoraSettings | BottleneckSettings | PrefixSettings

/** A low-rank adapter: W + scale B A beside chosen linear layers. Source: Hu et al. 2021, arXiv:2106.09685. */
export interface LoraSettings {
  readonly kind: 'lora'
  readonly rank: number
  readonly alpha: number
  /** Scale alpha / sqrt(rank) instead of alpha / rank (rsLoRA, arXiv:2312.03732). */
  readonly rankStabilized: boolean
  /** Ends of module names as in Hugging Face PEFT, e.g. `q_proj`, or every linear layer but the head. */
  readonly targetModules: 'all-linear' | readonly string[]
  /** Share of what enters A that is dropped while training, in [0, 1). */
  readonly dropout: number
}

/** As Hugging Face PEFT has it, but on every linear layer. */
export const loraDefaults: LoraSettings = {
  kind: 'lora',
  rank: 8,
  alpha: 8,
  rankStabilized: false,
  targetModules: 'all-linear',
  dropout: 0
}

/**
 * Two small layers with a non-linearity between, behind parts of each decoder layer, in the manner of the AdapterHub
 * library. `houlsby` (Houlsby et al. 2019, arXiv:1902.00751; `double_seq_bn` there) puts one behind attention and one
 * behind the feed-forward part; `pfeiffer` (Pfeiffer et al. 2020, arXiv:2005.00247; `seq_bn`) only the latter, which
 * there reads the sum with the residual stream.
 */
export interface BottleneckSettings {
  readonly kind: 'bottleneck'
  readonly placement: 'houlsby' | 'pfeiffer'
  /** hiddenSize / units of the bottleneck, rounded down. */
  readonly reductionFactor: number
  readonly activation: Activation
}

export const bottleneckDefaults: BottleneckSettings = {
  kind: 'bottleneck',
  placement: 'pfeiffer',
  reductionFactor: 16,
  activation: 'relu'
}

/**
 * Prefix tuning: learned keys and values before every text, in every layer (Li and Liang 2021, arXiv:2101.00190), without
 * the reparametrisation network, as Hugging Face PEFT has it with `prefix_projection: false`.
 */
export interface PrefixSettings {
  readonly kind: 'prefix'
  /** Length of the prefix. The first token of a text then has this as its position. */
  readonly virtualTokens: number
}

export const prefixDefaults: PrefixSettings = { kind: 'prefix', virtualTokens: 16 }
