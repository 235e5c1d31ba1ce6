import type { Output } from './output.ts'

/** What every command gets from the command line's root. */
export interface CommandHost {
  /** Known once the flags are parsed: read it inside the action. */
  readonly output: Output
  /** Fires at Ctrl-C: stop cleanly and return, or throw the signal's reason. */
  readonly signal: AbortSignal
}
