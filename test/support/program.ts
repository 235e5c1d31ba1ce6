import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageDir } from '../../node/platform/package-dir.ts'

export interface ProgramEvent {
  readonly event: string
  readonly [field: string]: unknown
}

interface Waiter {
  readonly matches: (event: ProgramEvent) => boolean
  resolve(event: ProgramEvent): void
  reject(error: Error): void
}

/** One `fedpeft-node … --json` as a process of its own: its events as they come, and signals to it. */
export class Program {
  readonly name: string
  /** All so far, oldest first. */
  readonly events: ProgramEvent[] = []
  stderr = ''
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  readonly ended: Promise<number | string>
  #end: number | string | null = null
  readonly #child: ChildProcess
  readonly #waiters = new Set<Waiter>()
  readonly #listeners = new Set<(event: ProgramEvent) => void>()
  #unfinishedLine = ''

  /** @param launcher - a command that runs the one behind it as its own process, as `ip netns exec` does */
  constructor(name: string, args: readonly string[], cwd: string, launcher: readonly string[] = []) {
    this.name = name
    const main = join(packageDir(), 'node', 'cli', 'main.ts')
    const [command, ...rest] = [...launcher, process.execPath, main, ...args, '--json']
    this.#child = spawn(command!, rest, {
      cwd,
      // Compiling the same modules in every process is what a start costs most; this is where Node keeps such a cache.
      env: { ...process.env, HOME: cwd, NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.ended = new Promise(resolve => {
      const end = (how: number | string): void => {
        this.#end = how
        const why = new Error(`${name} ended with ${how}; standard error:\n${this.stderr}`)
        for (const { reject } of this.#waiters) reject(why)
        this.#waiters.clear()
        resolve(how)
      }
      this.#child.on('error', error => end(String(error)))
      this.#child.on('close', (exitCode, signal) => end(exitCode ?? signal ?? 'nothing'))
    })
  }

  get isRunning(): boolean {
    return this.#end === null
  }

  /** The first event, past or to come, that has this name and these fields (and passes the test). Rejects if it ends first. */
  waitFor(
    name: string,
    fields: Readonly<Record<string, unknown>> = {},
    test: (event: ProgramEvent) => boolean = () => true
  ): Promise<ProgramEvent> {
    const matches = (event: ProgramEvent): boolean =>
      event.event === name &&
      Object.entries(fields).every(([key, value]) => event[key] === value) &&
      test(event)
    const past = this.events.find(matches)
    if (past !== undefined) return Promise.resolve(past)
    if (this.#end !== null) {
      return Promise.reject(
        new Error(`${this.name} ended with ${this.#end} before ${name}; standard error:\n${this.stderr}`)
      )
    }
    return new Promise((resolve, reject) => this.#waiters.add({ matches, resolve, reject }))
  }

  /** Every event from now on. @returns a function that ends it */
  on(listen: (event: ProgramEvent) => void): () => void {
    this.#listeners.add(listen)
    return () => void this.#listeners.delete(listen)
  }

  named(name: string): ProgramEvent[] {
    return this.events.filter(({ event }) => event === name)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#end === null) this.#child.kill('SIGKILL')
    await this.ended
  }

  #take(text: string): void {
    const lines = (this.#unfinishedLine + text).split('\n')
    this.#unfinishedLine = lines.pop()!
    for (const line of lines) {
      const event = JSON.parse(line) as ProgramEvent
      this.events.push(event)
      for (const waiter of [...this.#waiters]) {
        if (!waiter.matches(event)) continue
        this.#waiters.delete(waiter)
        waiter.resolve(event)
      }
      for (const listen of [...this.#listeners]) listen(event)
    }
  }
}
