import { contextOfTip } from '../../protocols/chain.ts'
import type { Context } from '../../protocols/messages.js'
import type { Draft } from './round-state.ts'

/** The context of what is said about the run, not in a round. */
export function runContextOf({ state, deps }: Draft): Context {
  return contextOfTip(state.tip, deps.run)
}
