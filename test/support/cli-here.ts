import { PassThrough } from 'node:stream'
import { runCli } from '../../node/cli/run-cli.ts'
import { type Ended, jsonLines } from './cli.ts'

export interface EndedHere extends Ended {
  readonly events: ReturnType<typeof jsonLines>
}

/** Runs `fedpeft-node` within this process, which loads the program once for many commands. */
export async function runHere(
  args: readonly string[],
  signal: AbortSignal = new AbortController().signal
): Promise<EndedHere> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const [stdout, stderr] = [collected(out), collected(err)]
  const exitCode = await runCli(args, { version: '1.2.3', stdout: out, stderr: err, signal })
  const text = stdout()
  return { exitCode, stdout: text, stderr: stderr(), events: args.includes('--json') ? jsonLines(text) : [] }
}

function collected(stream: PassThrough): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (part: string) => (text += part))
  return () => text + String(stream.read() ?? '')
}
