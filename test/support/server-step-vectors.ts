// Runs in a browser too: nothing of Node here.
import { type AdapterFactor, layoutOf } from '../../aggregation/adapter-layout.ts'
import { applyRound, encodeState, initialState } from '../../aggregation/replicated-state.ts'
import { type ServerOptimizerSettings, serverOptimizerOf } from '../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'

/** What is in test/golden/server-step.json. */
export interface ServerStepVectors {
  readonly layout: ReadonlyArray<{ name: string; factor: AdapterFactor; shape: [number, number] }>
  readonly adapter: string
  readonly cases: readonly ServerStepCase[]
}

export interface ServerStepCase {
  readonly strategy: string
  readonly optimizer: ServerOptimizerSettings
  readonly clipNorm: number
  readonly rounds: ReadonlyArray<{ weightedSum: string; weightSum: number; state: string }>
}

/** The state after each round, in hexadecimal. */
export function serverSteps(
  { layout, adapter }: ServerStepVectors,
  { strategy, optimizer, clipNorm, rounds }: ServerStepCase
): string[] {
  let state = initialState(new Float32Array(fromHex(adapter)!.buffer), clipNorm)
  return rounds.map(round => {
    const weightedSum = new Float64Array(fromHex(round.weightedSum)!.buffer)
    const sum = { weightedSum, weightSum: round.weightSum, meanMetrics: [] }
    state = applyRound(state, sum, strategyByName(strategy), serverOptimizerOf(optimizer), layoutOf(layout))
    return toHex(encodeState(state))
  })
}
