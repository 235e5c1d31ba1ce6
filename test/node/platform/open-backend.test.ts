import { expect } from 'chai'
import type { Backend, BackendName } from '../../../node/backend/backend.ts'
import { BackendError } from '../../../node/backend/errors.ts'
import {
  type BackendLimits,
  type BackendOpeners,
  type BackendRequest,
  openBackend
} from '../../../node/platform/open-backend.ts'

/** A machine on which only these backends can be opened, and what they were opened with. */
function machineWith(...names: readonly BackendName[]): {
  readonly openers: BackendOpeners
  readonly asked: Array<readonly [BackendName, BackendLimits]>
} {
  const asked: Array<readonly [BackendName, BackendLimits]> = []
  const opener = (name: BackendName) => async (limits: BackendLimits) => {
    asked.push([name, limits])
    if (names.includes(name)) return { name } as Backend
    throw new BackendError('UNAVAILABLE', { backend: name }, `no ${name} here`)
  }
  const openers = {
    cuda: opener('cuda'),
    tensorflow: opener('tensorflow'),
    webgpu: opener('webgpu'),
    wasm: opener('wasm'),
    cpu: opener('cpu')
  }
  return { openers, asked }
}

async function chosen(request: BackendRequest, ...there: readonly BackendName[]) {
  const { openers, asked } = machineWith(...there)
  const { backend, notes } = await openBackend(request, openers)
  return { name: backend.name, notes, asked }
}

async function refusal(opening: Promise<unknown>): Promise<BackendError> {
  const error = await opening.then(
    () => null,
    (error: unknown) => error
  )
  expect(error).to.be.instanceOf(BackendError)
  return error as BackendError
}

describe('openBackend', () => {
  it('takes the fastest that is there, and says why not a faster one', async () => {
    const everything = ['cpu', 'wasm', 'tensorflow', 'webgpu', 'cuda'] as const
    expect(await chosen({ name: 'auto' }, ...everything)).to.deep.include({ name: 'cuda', notes: [] })
    const { name, notes } = await chosen({ name: 'auto' }, 'wasm', 'cpu')
    expect(name).to.equal('wasm')
    expect(notes).to.deep.equal(['no cuda here', 'no webgpu here', 'no tensorflow here'])
  })

  it('takes our kernels for a narrow model even where TensorFlow is there', async () => {
    const there = ['tensorflow', 'wasm', 'cpu'] as const
    expect(await chosen({ name: 'auto', modelWidth: 96 }, ...there)).to.include({ name: 'wasm' })
    expect(await chosen({ name: 'auto', modelWidth: 576 }, ...there)).to.include({ name: 'tensorflow' })
    expect(await chosen({ name: 'auto', modelWidth: 96 }, 'cuda', ...there)).to.include({ name: 'cuda' })
  })

  it('takes the one that was asked for or none', async () => {
    expect(await chosen({ name: 'cpu' }, 'wasm', 'cpu')).to.deep.include({ name: 'cpu', notes: [] })
    const { code, message } = await refusal(openBackend({ name: 'cuda' }, machineWith('cpu').openers))
    expect({ code, message }).to.deep.equal({ code: 'UNAVAILABLE', message: 'no cuda here' })
  })

  it('gives all reasons where nothing can be opened', async () => {
    const { message } = await refusal(openBackend({ name: 'auto' }, machineWith().openers))
    expect(message).to.equal('no cuda here\nno webgpu here\nno tensorflow here\nno wasm here\nno cpu here')
  })

  it('does not hide a fault', async () => {
    const { openers } = machineWith('cpu')
    const fault = new Error('a fault of the program')
    const opening = openBackend({ name: 'auto' }, { ...openers, cuda: () => Promise.reject(fault) })
    expect(await opening.catch((error: unknown) => error)).to.equal(fault)
  })

  it('shares threads among trainers, save for what a process has once', async () => {
    const request = { threads: 5, trainers: 2 }
    const share = async (name: BackendName) =>
      (await chosen({ ...request, name }, name)).asked.map(([, limits]) => limits)
    for (const name of ['wasm', 'cpu'] as const)
      expect(await share(name)).to.deep.equal([{ threads: 2, isAuto: false }])
    for (const name of ['cuda', 'tensorflow', 'webgpu'] as const)
      expect(await share(name)).to.deep.equal([{ threads: 5, isAuto: false }])
    const { asked } = await chosen({ name: 'auto', threads: 1, trainers: 3, memoryMaxBytes: 7 }, 'wasm')
    expect(asked.at(-1)).to.deep.equal(['wasm', { threads: 1, isAuto: true, memoryMaxBytes: 7 }])
  })

  it('opens wasm on this machine, with threads, within a memory limit', async () => {
    const { backend } = await openBackend({ name: 'wasm', threads: 2, memoryMaxBytes: 16 * 2 ** 20 })
    try {
      expect(backend).to.include({ name: 'wasm', threads: 2 })
      const sums = backend.columnSums(backend.upload(Float32Array.of(1, 2, 3, 4), [2, 2]))
      expect([...(await backend.download(sums))]).to.deep.equal([4, 6])
      expect(() => backend.zeros([4 * 2 ** 20])).to.throw(BackendError)
    } finally {
      await backend.close()
    }
  })
})
