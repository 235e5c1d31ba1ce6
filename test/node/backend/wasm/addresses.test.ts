import { expect } from 'chai'
import { KernelDevice } from '../../../../node/backend/wasm/device.ts'
import { Heap } from '../../../../node/backend/wasm/heap.ts'
import { scratchBytes } from '../../../../node/backend/wasm/kernel-control.ts'
import { compileKernels, instantiateKernels } from '../../../../node/backend/wasm/kernel-module.ts'
import { linearKernels } from '../../../../node/backend/wasm/linear.ts'
import { normKernels } from '../../../../node/backend/wasm/norms.ts'
import { webAssembly } from '../../../../node/backend/wasm/web-assembly.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'

const pageBytes = 65536
const pagesMax = 65535

describe('the memory of the wasm backend above 2 GB', () => {
  it('is addressed like that below', async () => {
    const memory = new webAssembly!.Memory({ initial: 2, maximum: pagesMax, shared: false })
    const heap = new Heap(memory, pagesMax * pageBytes)
    const { module } = await compileKernels(readKernelFiles(), false)
    const kernels = instantiateKernels(module, memory)
    kernels.setScratch(heap.allocate(scratchBytes).at)
    const device = new KernelDevice({ memory, heap, kernels, team: null, threads: 1 })
    // Address space only: nothing is written to it, so the machine need not have that much.
    device.make([600_000_000])
    // Nearly all that is left, so that what follows lies close to the end.
    const rest = pagesMax * pageBytes - memory.buffer.byteLength
    device.make([rest / 4 - 100_000])
    const put = (shape: number[], values: number[]) => {
      const tensor = device.make(shape)
      expect(device.at('test', tensor)).to.be.above(4_000_000_000)
      device.values('test', tensor).set(values)
      return tensor
    }
    const { matmul, columnSums } = linearKernels(device)
    const { rmsNorm } = normKernels(device)
    const a = put([2, 3], [1, 2, 3, 4, 5, 6])
    const b = put([3, 2], [7, 8, 9, 10, 11, 12])
    const values = (tensor: ReturnType<typeof put>) => [...device.values('test', tensor)]
    expect(values(matmul(a, b))).to.deep.equal([58, 64, 139, 154])
    expect(values(columnSums(a))).to.deep.equal([5, 7, 9])
    const { inverse } = rmsNorm(put([1, 2], [3, 4]), put([2], [1, 1]), 0)
    expect(values(inverse)[0]).to.be.closeTo(1 / Math.sqrt(12.5), 1e-7)
    await device.close()
  })
})
