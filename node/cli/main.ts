/** The root of the command line: the only place that touches the process itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installLastResort } from '../platform/last-resort.ts'
import { packageDir } from '../platform/package-dir.ts'
import { interruptSignal } from './interrupt.ts'
import { reportError, runCli } from './run-cli.ts'

/** A command that has returned has closed what it opened; libp2p leaves timers of two seconds that nobody waits for. */
const LINGER_MS = 300

const { version } = JSON.parse(readFileSync(join(packageDir(), 'package.json'), 'utf8')) as {
  version: string
}
const warn = (text: string) => void process.stderr.write(`${text}\n`)

// `fedpeft-node … | head` closes the pipe early: that is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

const args = process.argv.slice(2)
installLastResort(
  text => {
    if (args.includes('--verbose')) warn(text)
  },
  error => process.exit(reportError(error, args, process))
)

const exitCode = await runCli(args, {
  version,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interruptSignal(process, warn, () => performance.now())
})
process.exitCode = exitCode
setTimeout(() => process.exit(exitCode), LINGER_MS).unref()
