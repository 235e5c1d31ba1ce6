import * as tf from '@tensorflow/tfjs'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'

/** The tfjs backends that we set up ourselves, fastest first. */
export type BackendName = 'wasm' | 'cpu'

export interface BackendChoice {
  readonly name: BackendName
  /** Why it is not the fastest one; null if it is. */
  readonly fallbackReason: string | null
}

/**
 * Makes `wasm` (SIMD, one thread) the tfjs backend of this thread, or plain JavaScript (`cpu`, some thirty times slower)
 * if WebAssembly cannot be set up. One thread, because peers train side by side in worker threads of their own.
 * @param wasmFolder - path of the folder with the `.wasm` files of @tensorflow/tfjs-backend-wasm, ending in `/`
 */
export async function openBackend(wasmFolder: string): Promise<BackendChoice> {
  // Without it tfjs advertises its native addon on standard error.
  tf.enableProdMode()
  let fallbackReason: string
  try {
    setWasmPaths(wasmFolder)
    if (await tf.setBackend('wasm')) {
      await tf.ready()
      return { name: 'wasm', fallbackReason: null }
    }
    fallbackReason = `the WebAssembly files in ${wasmFolder} could not be loaded`
  } catch (error) {
    fallbackReason = error instanceof Error ? error.message : String(error)
  }
  await tf.setBackend('cpu')
  await tf.ready()
  return { name: 'cpu', fallbackReason }
}
