import type { BackendOptions } from '../backend-options.ts'
import type { BudgetOptions } from '../budget-options.ts'
import type { PrivacyFlags } from '../privacy-options.ts'

/** The flags of the command. */
export interface SimOptions extends BackendOptions, BudgetOptions, PrivacyFlags {
  readonly peers?: number
  readonly cohort?: number
  readonly fanIn?: number
  readonly rounds?: number
  readonly steps?: number
  readonly learningRate?: number
  readonly adapter?: 'lora' | 'bottleneck' | 'prefix'
  readonly strategy?: 'rolora' | 'ffa' | 'fedit'
  readonly verifiers?: number | 'everyone'
  readonly model?: string
  readonly data?: string
  readonly seed?: number
  readonly out: string
  readonly external: number
  readonly network: 'loopback' | 'memory'
  readonly baselines: boolean
  readonly allowThree?: boolean
}
