import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageDir } from '../../node/platform/package-dir.ts'

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `fedpeft-node` from source as a process of its own, with a home folder that is not the developer's. */
export function runMain(args: readonly string[], cwd: string): Promise<Ended> {
  return runProcess(process.execPath, [join(packageDir(), 'node', 'cli', 'main.ts'), ...args], cwd)
}

/** Compiling the imports is half the time of a short command. */
const compileCache = join(tmpdir(), 'fedpeft-test-compile-cache')

/** Runs a program to its end. */
export function runProcess(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = { ...process.env, HOME: cwd, NODE_COMPILE_CACHE: compileCache }
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', exitCode => resolve({ exitCode, stdout, stderr }))
  })
}

/** An empty folder, and how to remove it. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fedpeft-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The lines of standard output, each parsed as JSON. */
export function jsonLines(stdout: string): Array<Record<string, unknown>> {
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}
