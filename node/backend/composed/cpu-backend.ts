import type { Backend } from '../backend.ts'
import { openComposedBackend } from './composed-backend.ts'

/** Plain JavaScript: slow, and runs everywhere. */
export async function openCpuBackend(): Promise<Backend> {
  const tf = await import('@tensorflow/tfjs-core')
  const { version_cpu: version } = await import('@tensorflow/tfjs-backend-cpu')
  const description = `plain JavaScript by TensorFlow.js ${version}, one thread: slow, for want of anything better`
  return openComposedBackend({ tf, tfjsBackend: 'cpu', name: 'cpu', description })
}
