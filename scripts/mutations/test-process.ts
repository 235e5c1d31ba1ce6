/** Test files in a process of their own: a mutation may bring anything about. */
import { spawn } from 'node:child_process'

export interface TestOrder {
  readonly files: readonly string[]
  /** Part of a test's full title. */
  readonly grep?: string
  /** The mutated source: it must load. */
  readonly mutated?: string
  readonly stopAtFailure?: boolean
}

export interface TestOutcome {
  readonly end: 'ran' | 'does not load' | 'did not end' | 'crashed'
  /** Full titles. */
  readonly passed: readonly string[]
  readonly failed: readonly string[]
}

/** @param folder - the root of the sources */
export function runTests(folder: string, order: TestOrder, limitMs: number): Promise<TestOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/mutations/test-child.ts', JSON.stringify(order)], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' }
    })
    let said = ''
    let complained = ''
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, limitMs)
    child.stdout.on('data', data => {
      said += data
    })
    child.stderr.on('data', data => {
      complained += data
    })
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(timer)
      if (isLate) return resolve({ end: 'did not end', passed: [], failed: [] })
      try {
        resolve(JSON.parse(said.trimEnd().split('\n').at(-1)!) as TestOutcome)
      } catch {
        resolve({ end: 'crashed', passed: [], failed: [complained.trim().slice(-500)] })
      }
    })
  })
}
