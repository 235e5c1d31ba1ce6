import { callerSleepsAt, failedAt, insideAt } from './kernel-control.ts'
import { instantiateKernels } from './kernel-module.ts'
import type { WasmMemory, WasmModule } from './web-assembly.ts'

/** What a thread is given to work with; it can be posted to one. */
export interface KernelThreadStart {
  readonly module: WasmModule
  /** Shared. */
  readonly memory: WasmMemory
  /** Where the thread's own scratch memory lies. */
  readonly scratch: number
}

/** A thread that works on kernels: a worker of Node or of a browser, in which `serveKernels` runs. */
export interface KernelThread {
  /** Resolves once it serves. Rejects if it cannot. */
  readonly started: Promise<void>
  /** Resolves when it has ended: with the reason if nobody asked it to. */
  readonly ended: Promise<Error | null>
  /** Resolves when it has ended; it was told to. */
  close(): Promise<void>
}

export type SpawnKernelThread = (start: KernelThreadStart) => KernelThread

/** Works on commands until the backend closes: the whole life of a thread. @param onServing - called right before */
export function serveKernels({ module, memory, scratch }: KernelThreadStart, onServing: () => void): void {
  const kernels = instantiateKernels(module, memory)
  kernels.setScratch(scratch)
  onServing()
  try {
    kernels.serve()
  } catch (error) {
    // It happened inside a task. The calling thread waits for this one to leave, and would for ever.
    const words = new Int32Array(memory.buffer)
    Atomics.add(words, failedAt / 4, 1)
    Atomics.sub(words, insideAt / 4, 1)
    if (Atomics.load(words, callerSleepsAt / 4) !== 0) Atomics.notify(words, insideAt / 4)
    throw error
  }
}
