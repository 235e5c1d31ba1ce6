import type { Backend, Tensor } from '../../../../node/backend/backend.ts'
import { type Exact, expectClose } from './exact.ts'

/** A backend under test, and the tensors that the current test has to free. */
export interface Workbench {
  readonly backend: Backend
  /** Uploads; freed after the test. */
  put(x: Exact): Tensor
  /** Freed after the test. */
  keep(tensor: Tensor): Tensor
  keepAll(tensors: readonly Tensor[]): readonly Tensor[]
  /** Holds shape and values of a tensor, which is kept, against the exact ones. */
  expect(tensor: Tensor, expected: Exact, what: string, tolerance?: number): Promise<void>
}

/** Gives the tests of the current `describe` one backend; after each, everything that it kept is freed. */
export function useWorkbench(open: () => Promise<Backend>): Workbench {
  let backend: Backend | undefined
  const kept = new Set<Tensor>()
  before(async () => {
    backend = await open()
  })
  after(() => backend?.close())
  afterEach(() => {
    const tensors = [...kept]
    kept.clear()
    for (const tensor of tensors) backend!.free(tensor)
    const { tensors: left, bytes } = backend!.memory()
    if (left !== 0 || bytes !== 0) throw new Error(`the test left ${left} tensors of ${bytes} bytes behind`)
  })
  const keep = (tensor: Tensor): Tensor => {
    kept.add(tensor)
    return tensor
  }
  return {
    get backend() {
      return backend!
    },
    put: ({ shape, values }) => keep(backend!.upload(Float32Array.from(values), shape)),
    keep,
    keepAll(tensors) {
      return tensors.map(keep)
    },
    async expect(tensor, expected, what, tolerance) {
      keep(tensor)
      if (String(tensor.shape) !== String(expected.shape))
        throw new Error(`${what}: [${tensor.shape}] instead of [${expected.shape}]`)
      expectClose(await backend!.download(tensor), expected, what, tolerance)
    }
  }
}
