// The entry point of a thread for the kernels of the backend wasm.
import { parentPort, workerData } from 'node:worker_threads'
import { type KernelThreadStart, serveKernels } from '../backend/wasm/kernel-thread.ts'

serveKernels(workerData as KernelThreadStart, () => parentPort!.postMessage('serving'))
