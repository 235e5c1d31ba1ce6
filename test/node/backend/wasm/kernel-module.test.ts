import { expect } from 'chai'
import { BackendError } from '../../../../node/backend/errors.ts'
import {
  compileKernels,
  instantiateKernels,
  type KernelFiles
} from '../../../../node/backend/wasm/kernel-module.ts'
import { webAssembly } from '../../../../node/backend/wasm/web-assembly.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'

const files = readKernelFiles()
const nothing = new Uint8Array()
/** A valid module: the magic number and the version. */
const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)

async function refusal(files: KernelFiles): Promise<unknown> {
  return compileKernels(files, false).then(
    () => null,
    error => error
  )
}

describe('the compiled kernels', () => {
  it('are those with fused multiply-add where the engine takes them, and the others elsewhere', async () => {
    expect((await compileKernels(files, false)).isRelaxed).to.equal(true)
    expect((await compileKernels({ ...files, relaxed: nothing }, false)).isRelaxed).to.equal(false)
  })

  it('take a memory of their own with one thread, a shared one with several', async () => {
    for (const shared of [false, true]) {
      const { module } = await compileKernels(files, shared)
      const memory = (shared: boolean) => new webAssembly!.Memory({ initial: 2, maximum: 65535, shared })
      expect(instantiateKernels(module, memory(shared)).runHere).to.be.a('function')
      expect(() => instantiateKernels(module, memory(!shared))).to.throw(/shared/)
    }
  })

  it('are not available where the engine takes neither, which is said', async () => {
    const error = await refusal({ simd: nothing, relaxed: nothing })
    expect(error).to.be.instanceOf(BackendError)
    expect((error as BackendError).code).to.equal('UNAVAILABLE')
    expect((error as BackendError).message).to.match(/wasm cannot be opened: .*SIMD/)
  })

  it('are not taken for others', async () => {
    expect(String(await refusal({ simd: nothing, relaxed: empty }))).to.match(/npm run kernels/)
  })
})
