/** Where a command's words go: with `--json` standard output carries JSON lines only, and the words go to standard error. */
export interface Output {
  readonly json: boolean
  /** Words for a person. */
  say(text: string): void
  /** A warning, on standard error either way. */
  warn(text: string): void
  /** For whoever looks for a fault: on standard error, with `--verbose` only. */
  note(text: string): void
  /** One JSON line, with `--json` only. `event` says what it is. */
  event(record: { readonly event: string; readonly [field: string]: unknown }): void
  /** The stream of `say`, for progress that redraws itself. */
  readonly words: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Standard error, for progress that is no part of what was asked for. */
  readonly aside: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export interface OutputStreams {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

export function createOutput({ stdout, stderr }: OutputStreams, json: boolean, verbose = false): Output {
  const words = json ? stderr : stdout
  return {
    json,
    words,
    aside: stderr,
    say: text => void words.write(`${text}\n`),
    warn: text => void stderr.write(`warning: ${text}\n`),
    note: text => {
      if (verbose) stderr.write(`note: ${text}\n`)
    },
    event: record => {
      if (json) stdout.write(`${JSON.stringify(record)}\n`)
    }
  }
}
