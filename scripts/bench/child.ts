import { spawn } from 'node:child_process'

/**
 * Runs a program that prints one JSON object as its last line.
 * @throws Error with its last words if it does not
 */
export async function runForJson<T>(program: string, args: readonly string[]): Promise<T> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  const exitCode = await promise
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (exitCode === 0 && line.startsWith('{')) return JSON.parse(line) as T
  throw new Error(`${program} ${args.join(' ')} failed (${exitCode}): ${stderr.trim().slice(-1000)}`)
}
