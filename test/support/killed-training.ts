import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { BackendName } from '../../node/backend/backend.ts'
import { writeSafetensors } from '../../node/model/safetensors.ts'
import { tinyWeights } from './tiny-model.ts'

/** What a process told before it ended. */
export interface TrainingTold {
  /** By step, from 1. */
  readonly losses: ReadonlyMap<number, number>
  readonly notices: readonly string[]
  /** Null if it was killed. */
  readonly end: { readonly adapter: string; readonly meanLoss: number } | null
}

interface Line {
  readonly step?: number
  readonly loss?: number
  readonly message?: string
  readonly adapter?: string
  readonly meanLoss?: number
}

/** Processes that train the same job one after the other, over one folder. */
export class KilledTraining {
  readonly folder = mkdtempSync(join(tmpdir(), 'fedpeft-killed-'))
  readonly #backend: BackendName
  readonly #steps: number
  readonly #every: number
  readonly #children = new Set<ChildProcess>()

  constructor(backend: BackendName, steps: number, every: number) {
    this.#backend = backend
    this.#steps = steps
    this.#every = every
    mkdirSync(this.folder, { recursive: true })
    writeFileSync(join(this.folder, 'model.safetensors'), writeSafetensors(tinyWeights()))
  }

  /** @param killAfter - SIGKILL as soon as this step is told; without it, to the end */
  async run(killAfter = Number.POSITIVE_INFINITY): Promise<TrainingTold> {
    const script = new URL('./train-process.ts', import.meta.url).pathname
    const args = [script, this.folder, this.#backend, String(this.#steps), String(this.#every)]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    this.#children.add(child)
    const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
    const losses = new Map<number, number>()
    const notices: string[] = []
    let end: TrainingTold['end'] = null
    for await (const text of createInterface({ input: child.stdout! })) {
      const { step, loss, message, adapter, meanLoss } = JSON.parse(text) as Line
      if (message !== undefined) notices.push(message)
      if (adapter !== undefined) end = { adapter, meanLoss: meanLoss! }
      if (step === undefined) continue
      losses.set(step, loss!)
      if (step >= killAfter) child.kill('SIGKILL')
    }
    await ended
    this.#children.delete(child)
    return { losses, notices, end }
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true })
  }
}
