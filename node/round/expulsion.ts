/** Who is expelled by a decision: those against whom its voters hold evidence, each piece named by its hash. */
import { byId } from '../../protocols/election.ts'
import { expulsionsFault } from '../../protocols/expulsions.ts'
import { toHex } from '../../protocols/hex.ts'
import { EXPULSIONS_MAX } from '../../protocols/limits.ts'
import type { Expulsion } from '../../protocols/messages.js'
import type { Judgement } from './agreement.ts'
import { evidenceAgainst } from './blame.ts'
import type { AttemptState, Draft } from './round-state.ts'

/** What a leader puts into a decision now. @param decided - already, in this attempt */
export function expulsionsNow(
  draft: Draft,
  attempt: Pick<AttemptState, 'tip'>,
  decided: readonly Expulsion[] = []
): Expulsion[] {
  const fresh = attempt.tip.members.flatMap(peer => {
    const evidence = evidenceAgainst(draft, peer)
    if (evidence === undefined || decided.some(expulsion => expulsion.peer === peer)) return []
    return [{ peer, kind: evidence.kind, evidenceHash: evidence.hash }]
  })
  return [...decided, ...fresh].sort((a, b) => byId(a.peer, b.peer)).slice(0, EXPULSIONS_MAX)
}

/** `later` if a piece of evidence that is named is not here: whoever names it has it. */
export function judgeExpulsions(
  draft: Draft,
  attempt: Pick<AttemptState, 'tip'>,
  expulsions: readonly Expulsion[]
): Judgement {
  if (expulsionsFault(expulsions, attempt.tip.members) !== null) return 'invalid'
  const { evidence, wanted } = draft.state.blame
  let judgement: Judgement = 'valid'
  for (const { peer, kind, evidenceHash } of expulsions) {
    const key = toHex(evidenceHash)
    const held = evidence.get(key)
    if (held === undefined) {
      wanted.add(key)
      judgement = 'later'
    } else if (held.culprit !== peer || held.kind !== kind) return 'invalid'
  }
  return judgement
}
