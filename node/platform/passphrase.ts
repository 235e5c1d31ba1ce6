/** Where the passphrase of an identity comes from: a file, the environment, or the person at the terminal. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { NetworkError } from '../../protocols/errors.ts'
import { explained } from './node-files.ts'

export interface Passphrases {
  /** What was given without asking anybody; null if nothing was. @throws NetworkError LOCKED_IDENTITY; FilesError */
  given(): Promise<string | null>
  /** Asks the person; null if nobody can be asked. @throws NetworkError LOCKED_IDENTITY; the interrupt */
  ask(question: string): Promise<string | null>
}

/** The part of a terminal that a passphrase is typed on. */
export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
  /** What Ctrl-C does; without echo the terminal does not do it by itself. */
  interrupt(): void
}

export interface PassphraseInit {
  readonly file?: string
  /** Of the environment. */
  readonly variable: string | undefined
  /** Null if there is none. */
  readonly terminal: Terminal | null
  readonly signal?: AbortSignal
}

export const PASSPHRASE_VARIABLE = 'FEDPEFT_PASSPHRASE'

/** For identities that are of no worth: those of a simulation. */
export const noPassphrases: Passphrases = { given: async () => null, ask: async () => null }

/** More is a file of something else, or a paste gone wrong. */
const PASSPHRASE_BYTES_MAX = 1_024

/** Of this process. @param file - that a person has named */
export function passphrasesHere(file?: string, signal?: AbortSignal): Passphrases {
  const { stdin: input, stderr: output } = process
  const isTerminal = input.isTTY === true && process.stderr.isTTY === true
  return openPassphrases({
    ...(file !== undefined && { file }),
    ...(signal !== undefined && { signal }),
    variable: process.env[PASSPHRASE_VARIABLE],
    terminal: isTerminal ? { input, output, interrupt: () => process.kill(process.pid, 'SIGINT') } : null
  })
}

export function openPassphrases({ file, variable, terminal, signal }: PassphraseInit): Passphrases {
  return {
    async given() {
      if (file !== undefined) return fromFile(file)
      return variable === undefined || variable === '' ? null : checked(variable, PASSPHRASE_VARIABLE)
    },
    async ask(question) {
      if (terminal === null) return null
      terminal.output.write(question)
      return checked(await typedLine(terminal, signal), 'the passphrase')
    }
  }
}

async function fromFile(file: string): Promise<string> {
  const path = resolve(file)
  const text = await explained(path, 'read', async () => {
    // A pipe (`<(pass show …)`) has no length of its own.
    const { size } = await stat(path)
    return size > PASSPHRASE_BYTES_MAX + 2 ? null : readFile(path, 'utf8')
  })
  // The line end that every editor adds is no part of it.
  return checked(text?.replace(/\r?\n$/, '') ?? null, path)
}

/** @param from - for the message: never the passphrase itself */
function checked(passphrase: string | null, from: string): string {
  const bytes = passphrase === null ? Number.POSITIVE_INFINITY : Buffer.byteLength(passphrase)
  if (passphrase !== null && bytes > 0 && bytes <= PASSPHRASE_BYTES_MAX) return passphrase
  const fault = bytes === 0 ? 'is empty' : `has more than ${PASSPHRASE_BYTES_MAX} bytes`
  throw new NetworkError(
    'LOCKED_IDENTITY',
    { path: from },
    `${from} ${fault}: a passphrase is one line of text`
  )
}

/** One line, shown to nobody. */
async function typedLine({ input, output, interrupt }: Terminal, signal?: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const typed: string[] = []
  const take = (characters: string): void => {
    for (const character of characters) {
      if (character === '\r' || character === '\n' || character === '\u0004') return resolve(typed.join(''))
      if (character === '\u0003') interrupt()
      else if (character === '\u007f' || character === '\b') typed.pop()
      else if (character === '\u0015') typed.length = 0
      else if (character >= ' ') typed.push(character)
    }
  }
  const stop = (): void => reject(signal!.reason)
  const end = (): void => resolve(typed.join(''))
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  input.setEncoding('utf8').setRawMode(true)
  input.on('data', take).on('end', end).resume()
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', stop)
    input.off('data', take).off('end', end).pause()
    input.setRawMode(false)
    output.write('\n')
    typed.length = 0
  }
}
