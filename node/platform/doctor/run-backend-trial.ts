import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BackendName } from '../../backend/backend.ts'
import type { TrialOutcome } from './trial-outcome.ts'

/** CUDA may compile its kernels at first. */
const patienceMs = 120_000

/** Most of what a dying library says is at its end. */
const lastWords = 3

/** @param program - another one than backend-trial, for tests of how processes end */
export async function runBackendTrial(
  name: BackendName,
  threads: number,
  program: URL = ownProgram(),
  timeoutMs = patienceMs
): Promise<TrialOutcome> {
  const child = spawn(process.execPath, [fileURLToPath(program), name, String(threads)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL'
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  child.on('error', reject)
  child.on('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  const ending = await promise
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (line.startsWith('{')) return JSON.parse(line) as TrialOutcome
  const reason = child.killed
    ? `no result within ${timeoutMs / 1000} s`
    : `its process ended with ${ending}${said(stderr)}`
  return { kind: 'died', reason }
}

function said(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^(at |Node\.js v)/.test(line))
  return lines.length === 0 ? '' : `: ${lines.slice(-lastWords).join(' / ')}`
}

/** From source under Node's type stripping, or compiled. */
function ownProgram(): URL {
  return new URL(`./backend-trial.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}
