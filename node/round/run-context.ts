import { PROTOCOL_VERSION, ZERO_HASH } from '../../protocols/envelope.ts'
import type { Context } from '../../protocols/messages.js'
import type { Draft } from './round-state.ts'

/** The context of what is said about the run, not in a round. */
export function runContextOf(draft: Draft): Context {
  const { run } = draft.deps
  const { tip } = draft.state
  return {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: tip?.linkHash ?? ZERO_HASH,
    round: tip?.round ?? 0,
    attempt: tip?.attempt ?? 0,
    rosterHash: ZERO_HASH,
    baseModel: run.baseModel,
    encodingHash: ZERO_HASH
  }
}
