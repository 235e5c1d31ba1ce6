import { openWasmBackend } from '../../../../node/backend/wasm/wasm-backend.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'
import { spawnKernelThread } from '../../../../node/platform/kernel-threads.ts'
import { describeBackend } from '../conformance/backend.ts'

const kernels = readKernelFiles()

describeBackend('wasm', () => openWasmBackend({ kernels }))

// An engine without relaxed SIMD finds those kernels invalid, as it does an empty file.
const plain = { simd: kernels.simd, relaxed: new Uint8Array() }

describeBackend('wasm without fused multiply-add, on two threads', () =>
  openWasmBackend({ kernels: plain, threads: 2, spawn: spawnKernelThread })
)
