/** How far the round under way has come, as one peer knows it: for its status, never for a decision. */
import type { PeerId } from '../../protocols/ports.ts'
import type { AttemptState, RunState } from './round-state.ts'

export interface AttemptProgress {
  /** When the phase may end with less than everything; null where nothing is due. */
  readonly dueMs: number | null
  /** Those heard of before the founding. */
  readonly registered: readonly PeerId[]
  /** Who has said what in this attempt, in no order. */
  readonly keys: readonly PeerId[]
  readonly shares: readonly PeerId[]
  /** Whose shares for the unmasking are here. */
  readonly openings: readonly PeerId[]
  /** Who has said that it lost its secrets. */
  readonly withoutSecrets: readonly PeerId[]
}

export function progressOf({ attempt, registrations }: RunState): AttemptProgress {
  const keysOf = (map: ReadonlyMap<PeerId, unknown> | undefined): PeerId[] => [...(map?.keys() ?? [])]
  return {
    dueMs: attempt === null ? null : dueOf(attempt),
    registered: keysOf(registrations),
    keys: keysOf(attempt?.advertised),
    shares: keysOf(attempt?.shareMessages),
    openings: keysOf(attempt?.bundles),
    withoutSecrets: [...(attempt?.withoutSecrets ?? [])]
  }
}

function dueOf(attempt: AttemptState): number | null {
  const { roster, dealers, survivors, ending } = attempt
  if (ending !== null) return null
  const due =
    roster === null
      ? attempt.rosterDueMs
      : dealers === null
        ? attempt.sharesDueMs
        : survivors === null
          ? attempt.inputsDueMs
          : attempt.resultDueMs
  return Number.isFinite(due) ? due : null
}
