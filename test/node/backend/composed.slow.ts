import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { type ComposedOptions, openComposedBackend } from '../../../node/backend/composed/composed-backend.ts'
import { openWebgpu } from '../../../node/platform/webgpu.ts'
import { wasmFolder } from '../../../scripts/bench/stock-wasm-folder.ts'
import { describeBackend } from './conformance/backend.ts'

describeBackend('stock wasm', () => {
  setWasmPaths(wasmFolder())
  return openComposedBackend({
    tf,
    tfjsBackend: 'wasm',
    name: 'wasm',
    description: "TensorFlow.js's own kernels"
  })
})

// TensorFlow has a process of its own, `npm run test:tensorflow`: where it is loaded, `cpu` is not to be had.
const webgpu = await openWebgpu()
if (webgpu.isThere) {
  describeBackend('webgpu', async () => openComposedBackend(await composedOptions()))
  after(() => webgpu.close())
} else describe.skip(`the backend webgpu: ${webgpu.reason}; ${webgpu.fix}`, () => it('is there'))

async function composedOptions(): Promise<ComposedOptions> {
  const opened = await openWebgpu()
  if (!opened.isThere) throw new Error(opened.reason)
  const { tf, description, fault, close } = opened
  return { tf, tfjsBackend: 'webgpu', name: 'webgpu', description, fault, onClose: close }
}
