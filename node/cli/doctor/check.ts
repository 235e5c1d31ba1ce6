/** One thing that was looked at. */
export interface Check {
  readonly name: string
  /**
   * `ok`; `absent`: something optional that is not there; `warning`: it works, though not as well as it could; `fault`: it
   * has to be put right first.
   */
  readonly status: 'ok' | 'absent' | 'warning' | 'fault'
  /** What was found, for a person. */
  readonly found: string
  /** What to do about it, step by step, with the commands where there are some. */
  readonly fixes: readonly string[]
  /** The same for a program. */
  readonly data: Readonly<Record<string, unknown>>
}
