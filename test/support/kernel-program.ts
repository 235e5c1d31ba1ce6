// A process that uses kernel threads and does not close its backend.
import { openWasmBackend } from '../../node/backend/wasm/wasm-backend.ts'
import { readKernelFiles } from '../../node/platform/kernel-files.ts'
import { spawnKernelThread } from '../../node/platform/kernel-threads.ts'

const backend = await openWasmBackend({ kernels: readKernelFiles(), threads: 3, spawn: spawnKernelThread })
const x = backend.upload(new Float32Array(40_000).fill(1), [200, 200])
console.log((await backend.download(backend.matmul(x, x)))[0])
