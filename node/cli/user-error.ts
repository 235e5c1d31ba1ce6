/** How the command line ends: 0 done, 1 failed, 2 wrong usage or wrong input. */
export type ExitCode = 0 | 1 | 2

/** A fault that the person at the keyboard can mend: the message says what was wrong, where, and what to do next. */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly exitCode: 1 | 2

  /** @param exitCode - 2 if what was typed or handed in is wrong, 1 if it was right and could not be done */
  constructor(message: string, exitCode: 1 | 2, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
