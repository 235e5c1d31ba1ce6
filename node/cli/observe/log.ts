/** Structured logs: one JSON object a line, beside the words for a person, which stay as they are. */
import { Option } from 'commander'
import { openJsonLog } from '../../platform/json-log.ts'
import type { Output } from '../output.ts'
import { UserError } from '../user-error.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export interface Log {
  write(level: Exclude<LogLevel, 'silent'>, msg: string, fields: Readonly<Record<string, unknown>>): void
  close(): void
}

export interface LogOptions {
  readonly logLevel?: LogLevel
  readonly logFile?: string
}

export function logOptions(): Option[] {
  return [
    new Option(
      '--log-level <level>',
      'write JSON log lines, to standard error or to --log-file (default: none; info with --log-file)'
    ).choices(LOG_LEVELS),
    new Option(
      '--log-file <file>',
      'append the log lines to this file; it may be truncated while it is written'
    )
  ]
}

/**
 * Nothing is logged unless it is asked for: whoever reads standard error today finds there what was there before.
 * @throws UserError if the file cannot be written
 */
export function openLog({ logLevel, logFile }: LogOptions, output: Output): Log {
  const level = logLevel ?? (logFile === undefined ? 'silent' : 'info')
  if (level === 'silent') return { write() {}, close() {} }
  let warned = false
  const onError = (error: Error): void => {
    // Once: a full disk fails every line, and the peer goes on without its log.
    if (!warned) output.warn(`${logFile ?? 'standard error'}: the log cannot be written: ${error.message}`)
    warned = true
  }
  try {
    return openJsonLog({ level, file: logFile ?? null, stream: output.aside, onError })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`--log-file ${logFile}: ${reason}`, 1, { cause: error })
  }
}
