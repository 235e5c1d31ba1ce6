import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The folder with the WebAssembly files of tfjs, ending in a separator as tfjs wants it. */
export function wasmFolder(): string {
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  return join(dirname(manifest), 'dist', '/')
}
