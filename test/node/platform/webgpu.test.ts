import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'chai'
import { type LoadedWebgpu, type NoWebgpu, openWebgpu } from '../../../node/platform/webgpu.ts'

type Listener = (event: { error: { message: string } }) => void

/** The two packages, on a device that only exists. */
function packages({ adapter = true, refusal = '' } = {}) {
  const state = {
    devices: 0,
    destroyed: 0,
    sawNavigator: false,
    asked: {} as object,
    fail: null as Listener | null
  }
  const device = {
    lost: new Promise<never>(() => {}),
    addEventListener(_: string, listener: Listener) {
      state.fail = listener
    },
    destroy() {
      state.destroyed++
    }
  }
  const info = { vendor: 'maker', description: 'a card', device: '' }
  const found = {
    info,
    limits: { maxBufferSize: 1024, maxStorageBufferBindingSize: 512 },
    async requestDevice(descriptor: object) {
      if (refusal !== '') throw new Error(refusal)
      state.devices++
      state.asked = descriptor
      return device
    }
  }
  const dawn = {
    create: () => ({ requestAdapter: async () => (adapter ? found : null) }),
    globals: { GPUBufferUsage: { STORAGE: 128 } }
  }
  class WebGPUBackend extends tf.KernelBackend {
    constructor() {
      super()
      state.sawNavigator = 'gpu' in globalThis.navigator
    }
    override dispose() {}
  }
  const load = async (name: string): Promise<unknown> => (name === 'webgpu' ? dawn : { WebGPUBackend })
  return { state, load }
}

async function refused(load: (name: string) => Promise<unknown>): Promise<NoWebgpu> {
  const opened = await openWebgpu(load)
  expect(opened.isThere).to.equal(false)
  return opened as NoWebgpu
}

describe('openWebgpu', () => {
  it('names the package that is not installed and the command that installs both', async () => {
    const error = Object.assign(new Error("Cannot find package 'webgpu' imported from here"), {
      code: 'ERR_MODULE_NOT_FOUND'
    })
    const { code, reason, fix } = await refused(() => Promise.reject(error))
    expect(code).to.equal('NOT_INSTALLED')
    expect(reason).to.contain('webgpu')
    expect(fix).to.match(/^npm install .*webgpu@[\d.]+ @tensorflow\/tfjs-backend-webgpu@[\d.]+$/)
  })

  it('does not call a package absent whose native half cannot be loaded', async () => {
    const { code, reason } = await refused(() => Promise.reject(new Error('dawn.node: invalid ELF header')))
    expect(code).to.equal('LOAD_FAILED')
    expect(reason).to.contain('invalid ELF header')
  })

  it('says what to install where there is no driver', async () => {
    const { code, fix } = await refused(packages({ adapter: false }).load)
    expect(code).to.equal('NO_ADAPTER')
    expect(fix).to.contain('driver')
  })

  it("gives the driver's reason for refusing a device", async () => {
    const { code, reason } = await refused(packages({ refusal: 'out of patience' }).load)
    expect(code).to.equal('DEVICE_REFUSED')
    expect(reason).to.contain('a card').and.to.contain('out of patience')
  })

  it('opens one device for all who ask, with its own limits, and gives it back with the last', async () => {
    const { state, load } = packages()
    const [first, second] = (await Promise.all([openWebgpu(load), openWebgpu(load)])) as LoadedWebgpu[]
    expect(state.devices).to.equal(1)
    expect(state.asked).to.have.nested.property('requiredLimits.maxStorageBufferBindingSize', 512)
    expect(first!.description).to.contain('a card')
    await first!.tf.setBackend('webgpu')
    expect(state.sawNavigator).to.equal(true)
    expect('gpu' in globalThis.navigator).to.equal(false)
    first!.close()
    first!.close()
    expect(state.destroyed).to.equal(0)
    second!.close()
    expect(state.destroyed).to.equal(1)
    expect(tf.findBackend('webgpu')).to.equal(null)
  })

  it('remembers the first thing that went wrong on the device', async () => {
    const { state, load } = packages()
    const opened = (await openWebgpu(load)) as LoadedWebgpu
    expect(opened.fault()).to.equal(null)
    state.fail!({ error: { message: 'Out of memory' } })
    state.fail!({ error: { message: 'Invalid buffer' } })
    expect(opened.fault()!.message).to.equal('Out of memory')
    opened.close()
  })
})
