/** Log lines as JSON through pino, to a stream or a file. */
import { appendFileSync, closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { pino } from 'pino'

export interface JsonLogInit {
  /** The least that is written. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** Appended to; null writes to `stream`. */
  readonly file: string | null
  readonly stream: NodeJS.WritableStream
  /** Told when a line could not be written. */
  readonly onError: (error: Error) => void
}

export interface JsonLog {
  write(level: JsonLogInit['level'], msg: string, fields: Readonly<Record<string, unknown>>): void
  close(): void
}

/** @throws the system's error if the file cannot be opened */
export function openJsonLog({ level, file, stream, onError }: JsonLogInit): JsonLog {
  const { write, close } = file === null ? streamWriter(stream) : fileWriter(file, onError)
  const logger = pino(
    {
      level,
      // No process id and host name: who ships the lines adds them.
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) }
    },
    { write }
  )
  return {
    // A field may not take the place of the line's own.
    write: (at, msg, { level: _level, time: _time, msg: _msg, ...fields }) => logger[at](fields, msg),
    close
  }
}

interface Writer {
  write(line: string): void
  close(): void
}

function streamWriter(stream: NodeJS.WritableStream): Writer {
  return { write: line => void stream.write(line), close() {} }
}

/**
 * Synchronous, so that the last line before a crash is there; a line takes microseconds, and there are a few a second.
 * Opened for appending: after a truncation (logrotate's copytruncate) the next line is the first.
 */
function fileWriter(file: string, onError: (error: Error) => void): Writer {
  const handle = openSync(resolve(file), 'a', 0o640)
  let isOpen = true
  return {
    write(line) {
      if (!isOpen) return
      try {
        appendFileSync(handle, line)
      } catch (error) {
        onError(error as Error)
      }
    },
    close() {
      if (isOpen) closeSync(handle)
      isOpen = false
    }
  }
}
