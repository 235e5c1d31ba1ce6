import type { Command } from 'commander'
import { httpOption } from './http.ts'
import { logOptions } from './log.ts'

/** The flags of every command that runs for long. */
export function addOperationsOptions(command: Command): Command {
  command.addOption(httpOption())
  for (const option of logOptions()) command.addOption(option)
  return command
}
