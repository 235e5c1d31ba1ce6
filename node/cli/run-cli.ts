import { Command, CommanderError } from 'commander'
import { commands } from './commands.ts'
import { explain } from './explain.ts'
import type { CommandHost } from './host.ts'
import { createOutput, type Output, type OutputStreams } from './output.ts'
import type { ExitCode } from './user-error.ts'

export interface CliInit extends OutputStreams {
  readonly version: string
  readonly signal: AbortSignal
}

/**
 * Runs one command line.
 * @param args - without the program's name
 * @returns how the process should end; nothing is thrown
 */
export async function runCli(args: readonly string[], init: CliInit): Promise<ExitCode> {
  const output = outputOf(args, init)
  const program = createProgram({ output, signal: init.signal }, init)
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has already written its own words.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : reportUsage(error, output)
    return reportError(error, args, init)
  }
}

function createProgram(host: CommandHost, { stdout, stderr, version }: CliInit): Command {
  const program = new Command('fedpeft-node')
    .description('Peers that trust nobody fine-tune one language model together.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('--json', 'JSON lines on standard output, words for people on standard error')
    .option('--verbose', 'show what the network does, and the stack trace of an unexpected error')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for examples)')
  for (const command of commands(host)) program.addCommand(command)
  const settle = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ writeOut: text => stdout.write(text), writeErr: text => stderr.write(text) })
    for (const below of command.commands) settle(below.copyInheritedSettings(command))
  }
  settle(program)
  return program
}

function reportUsage(error: CommanderError, output: Output): ExitCode {
  output.event({ event: 'error', exitCode: 2, message: error.message.replace(/^error: /, '') })
  return 2
}

/**
 * Tells a person, and with `--json` a program, what went wrong.
 * @param args - the command line, for its `--json` and `--verbose`
 * @returns how the process should end
 */
export function reportError(error: unknown, args: readonly string[], streams: OutputStreams): 1 | 2 {
  const known = explain(error)
  const exitCode = known?.exitCode ?? 1
  const message = known?.message ?? `unexpected: ${error instanceof Error ? error.message : String(error)}`
  streams.stderr.write(`error: ${message}\n`)
  if (args.includes('--verbose')) {
    // What we made of an error shows where we did; its cause shows where it came from.
    const origin = known?.cause ?? error
    if (origin instanceof Error) streams.stderr.write(`${origin.stack}\n`)
  } else if (known === null) {
    streams.stderr.write('This is a fault of fedpeft: run it again with --verbose for the stack trace.\n')
  }
  outputOf(args, streams).event({ event: 'error', exitCode, message })
  return exitCode
}

/** Made before the flags are parsed, so that a fault in them is reported in the form that was asked for. */
function outputOf(args: readonly string[], streams: OutputStreams): Output {
  return createOutput(streams, args.includes('--json'), args.includes('--verbose'))
}
