import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageDir } from '../../node/platform/package-dir.ts'
import { scratchFolder } from './cli.ts'

/** The machines of a guide: a home folder each, and a shell that finds `fedpeft-node`. */
export class GuideMachines {
  readonly #scratch = scratchFolder()
  readonly #launcher: (machine: string) => readonly string[]
  readonly #path: string

  /** @param launcher - what a command line starts with, to run on that machine */
  constructor(launcher: (machine: string) => readonly string[]) {
    this.#launcher = launcher
    this.#path = join(this.#scratch.path, 'bin')
    mkdirSync(this.#path)
    const main = join(packageDir(), 'node', 'cli', 'main.ts')
    // The shell becomes the program, so that `$!` is its process.
    const program = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`
    writeFileSync(join(this.#path, 'fedpeft-node'), program, { mode: 0o755 })
  }

  at(machine: string, ...parts: string[]): string {
    const home = join(this.#scratch.path, machine)
    mkdirSync(home, { recursive: true })
    return join(home, ...parts)
  }

  read(machine: string, file: string): string {
    const path = this.at(machine, file)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  /** @returns everything that it wrote to the terminal @throws Error with that, if it did not end with 0 */
  type(machine: string, script: string): Promise<string> {
    const [command, ...args] = [...this.#launcher(machine), 'bash', '-e', '-o', 'pipefail', '-c', script]
    const home = this.at(machine)
    const child = spawn(command!, args, {
      cwd: home,
      env: {
        ...process.env,
        HOME: home,
        PATH: `${this.#path}:${process.env['PATH']}`,
        NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache')
      },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (text += part))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', code => {
        if (code === 0) resolve(text)
        else reject(new Error(`on ${machine}, ended with ${code}:\n${script}\n${text}`))
      })
    })
  }

  /** Ends what was started in the background and wrote its process id down, and removes the folders. */
  close(machines: readonly string[]): void {
    for (const machine of machines) {
      for (const file of ['bootstrap.pid', 'fedpeft.pid']) {
        const pid = Number(this.read(machine, file))
        if (pid > 0 && isOurs(pid, this.at(machine))) process.kill(pid, 'SIGKILL')
      }
    }
    this.#scratch.remove()
  }
}

/** The number may have gone to another process meanwhile. */
function isOurs(pid: number, home: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${home}`)
  } catch {
    return false
  }
}
