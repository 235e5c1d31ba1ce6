import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { type ComposedOptions, openComposedBackend } from '../../../node/backend/composed/composed-backend.ts'
import { openTensorflow } from '../../../node/platform/tensorflow.ts'
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

const tensorflow = openTensorflow('tensorflow', { threads: 2 })
if (tensorflow.isThere) {
  const { tf, description, threads } = tensorflow
  const name = 'tensorflow'
  describeBackend(name, () => openComposedBackend({ tf, tfjsBackend: name, name, description, threads }))
} else describe.skip(`the backend tensorflow: ${tensorflow.reason}; ${tensorflow.fix}`, () => it('is there'))

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
