/** A small disk of its own for one folder, seen by the processes that are started for it and by nobody else. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Why this machine has no small disks to offer, in words; null if it has. */
export function whyNoSmallDisk(): string | null {
  if (process.platform !== 'linux') return 'mount namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'only root may mount a file system'
  const trial = [
    '--mount',
    '--propagation',
    'private',
    'mount',
    '-t',
    'tmpfs',
    '-o',
    'size=64k',
    'tmpfs',
    '/mnt'
  ]
  try {
    execFileSync('unshare', trial, { stdio: 'pipe' })
    execFileSync('nsenter', ['--version'], { stdio: 'pipe' })
    return null
  } catch (error) {
    return `this machine forbids it: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`
  }
}

export class SmallDisk {
  readonly #dir: string
  readonly #keeper: ChildProcess

  private constructor(dir: string, keeper: ChildProcess) {
    this.#dir = dir
    this.#keeper = keeper
  }

  /** A tmpfs over a folder, which stays as long as its keeper runs. */
  static async mount(dir: string, bytes: number): Promise<SmallDisk> {
    mkdirSync(dir, { recursive: true })
    const script = `mount -t tmpfs -o size=${bytes},mode=700 tmpfs "$0" && echo there && exec sleep 3600`
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, dir]
    const keeper = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      keeper.stdout!.once('data', () => resolve())
      keeper.once('close', () => reject(new Error(`no disk could be mounted at ${dir}`)))
    })
    return new SmallDisk(dir, keeper)
  }

  /** For a process that is to see it. */
  launcher(cwd: string): readonly string[] {
    return ['nsenter', '--target', String(this.#keeper.pid), '--mount', `--wdns=${cwd}`, '--']
  }

  /** The folder, as everyone else can reach it. */
  get outside(): string {
    return join('/proc', String(this.#keeper.pid), 'root', this.#dir)
  }

  /** Takes every byte that is left. */
  fill(): void {
    const filler = join(this.outside, '..filler')
    for (const block of [65_536, 4_096]) {
      try {
        for (;;) appendFileSync(filler, new Uint8Array(block))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  }

  empty(): void {
    rmSync(join(this.outside, '..filler'))
  }

  close(): void {
    this.#keeper.kill('SIGKILL')
  }
}
