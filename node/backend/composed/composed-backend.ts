import type { Backend, BackendName } from '../backend.ts'
import { BackendError } from '../errors.ts'
import * as check from '../shape-checks.ts'
import { attentionKernels } from './attention.ts'
import { CausalMasks } from './causal-masks.ts'
import { gateKernels } from './gates.ts'
import { linearKernels } from './linear.ts'
import { lossKernels } from './loss.ts'
import { normKernels } from './norms.ts'
import { rotaryKernels } from './rotary.ts'
import { rowKernels } from './rows.ts'
import { type Tfjs, TfjsDevice } from './tfjs-device.ts'

export interface ComposedOptions {
  /** With the backend `tfjsBackend` registered. */
  readonly tf: Tfjs
  /** As tfjs calls it: `cpu`, `tensorflow`, `webgpu`, `wasm`. */
  readonly tfjsBackend: string
  readonly name: BackendName
  /** For a person: library, version, device. */
  readonly description: string
  /** 1 by default. */
  readonly threads?: number
  /** What went wrong on a device that only tells afterwards; null while nothing did. Thrown instead of results. */
  readonly fault?: () => Error | null
  /** Called when the backend was closed. */
  readonly onClose?: () => void
}

/**
 * The kernels as compositions of TensorFlow.js operations, for every backend that it has. Gradients are closed formulas,
 * as everywhere: its own differentiation is not used.
 * @throws BackendError UNAVAILABLE
 */
export async function openComposedBackend(options: ComposedOptions): Promise<Backend> {
  const { tf, tfjsBackend, name, description, threads = 1, fault, onClose } = options
  // Without it tfjs checks every value and advertises its native addon on standard error.
  tf.enableProdMode()
  await start(tf, tfjsBackend, name)
  const device = new TfjsDevice(tf, tfjsBackend, fault)
  const masks = new CausalMasks(tf)
  return {
    name,
    description,
    threads,
    upload: (values, shape) =>
      device.run('upload', run => {
        if (values.length !== check.sizeOf(shape))
          throw check.misfit('upload', { shape: [values.length] }, { shape })
        // Copied: tfjs would keep the caller's array.
        return run.output(tf.tensor(values.slice(), [...shape]))
      }),
    zeros: shape => device.run('zeros', run => run.output(tf.zeros([...shape]))),
    download: tensor => device.download(tensor),
    free: tensor => device.free(tensor),
    memory: () => device.memory(),
    async close() {
      if (!device.close()) return
      masks.clear()
      onClose?.()
    },
    ...linearKernels(device),
    ...rowKernels(device),
    ...normKernels(device),
    ...gateKernels(device),
    ...rotaryKernels(device),
    ...attentionKernels(device, masks),
    ...lossKernels(device)
  }
}

async function start(tf: Tfjs, tfjsBackend: string, backend: BackendName): Promise<void> {
  let reason = `TensorFlow.js could not start '${tfjsBackend}'`
  let cause: unknown
  try {
    if (await tf.setBackend(tfjsBackend)) return await tf.ready()
  } catch (error) {
    cause = error
    if (error instanceof Error) reason = error.message
  }
  const message = `the backend ${backend} cannot be opened: ${reason}`
  throw new BackendError('UNAVAILABLE', { backend, reason }, message, { cause })
}
