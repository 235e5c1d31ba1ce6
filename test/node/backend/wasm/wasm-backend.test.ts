import { openWasmBackend } from '../../../../node/backend/wasm/wasm-backend.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'
import { describeBackend } from '../conformance/backend.ts'

describeBackend('wasm', () => openWasmBackend({ kernels: readKernelFiles() }))
