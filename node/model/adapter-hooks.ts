import type { PastVariables } from '../backend/ops/attention.ts'
import type { LowRank } from '../backend/ops/linear.ts'
import type { Tape, Variable } from '../backend/tape.ts'

/** Where an adapter acts on a frozen decoder. What a method does not use it leaves out. */
export interface AdapterHooks {
  /** Beside a linear layer. @param module - e.g. `self_attn.q_proj` */
  lowRank?(layer: number, module: string, tokens: number): LowRank | null
  /**
   * After the attention or the feed-forward part of a layer, instead of plain `residual + output`.
   * @returns the sum that goes on
   */
  join?(tape: Tape, layer: number, part: 'attention' | 'mlp', output: Variable, residual: Variable): Variable
  /** Keys and values before the first position. */
  past?(layer: number): PastVariables
  /** Position of the first token of a text; 0 by default. */
  readonly firstPosition?: number
}

export const noAdapter: AdapterHooks = {}
