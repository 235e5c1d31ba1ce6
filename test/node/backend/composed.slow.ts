import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { openComposedBackend } from '../../../node/backend/composed/composed-backend.ts'
import { openTensorflow } from '../../../node/platform/tensorflow.ts'
import { wasmFolder } from '../../../node/platform/wasm-folder.ts'
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
