import type { KernelBackend } from '@tensorflow/tfjs-core'
import type { Tfjs } from '../backend/composed/tfjs-device.ts'

/** Why WebGPU cannot be used here. */
export type NoWebgpuCode =
  | 'NOT_INSTALLED' // one of the two packages is not there
  | 'LOAD_FAILED' // a package is there, but its native half cannot be loaded, for a reason that is given
  | 'NO_ADAPTER' // no graphics driver that it can use
  | 'DEVICE_REFUSED' // the driver does not give the device

/** For a person: what was found, and what to do about it. */
export interface NoWebgpu {
  readonly isThere: false
  readonly code: NoWebgpuCode
  readonly reason: string
  /** What to do, with the command to run. */
  readonly fix: string
}

/** A graphics device, and tfjs on it as its backend `webgpu`. */
export interface LoadedWebgpu {
  readonly isThere: true
  readonly tf: Tfjs
  /** For a person: driver and device. */
  readonly description: string
  /** The driver computes on the CPU: to try things out, not to be fast. */
  readonly isSoftware: boolean
  /** What went wrong on the device since it was opened: it tells so afterwards, and computes on with zeros. */
  fault(): Error | null
  /** Gives the device back when all who opened it have closed it; until then the process does not end. */
  close(): void
}

/** Tried together. Not dependencies: 150 MB, most of it for other systems, and useless without a graphics driver. */
const packages = { dawn: 'webgpu', tfjs: '@tensorflow/tfjs-backend-webgpu' } as const
const install = 'npm install --no-save webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0'

// The little that is needed of types that the packages bring when they are installed.

interface Adapter {
  readonly info: {
    readonly vendor: string
    readonly description: string
    readonly device: string
    readonly isFallbackAdapter?: boolean
  }
  readonly limits: Readonly<Record<string, number>>
  requestDevice(descriptor: object): Promise<Device>
}

interface Device {
  readonly lost: Promise<{ readonly message: string }>
  addEventListener(type: 'uncapturederror', listener: (event: { error: { message: string } }) => void): void
  destroy(): void
}

interface Gpu {
  requestAdapter(options: object): Promise<Adapter | null>
}

interface Packages {
  readonly dawn: { create(flags: readonly string[]): Gpu; readonly globals: object }
  readonly tfjs: {
    readonly WebGPUBackend: new (device: Device, info: Adapter['info']) => KernelBackend
  }
}

type Load = (packageName: string) => Promise<unknown>

interface Shared {
  readonly tf: Tfjs
  readonly device: Device
  readonly description: string
  readonly isSoftware: boolean
  fault: Error | null
  users: number
}

/** tfjs knows one backend of a name, so one device serves all who open it. */
let shared: Shared | null = null
let opening: Promise<unknown> = Promise.resolve()

/**
 * Opens the fastest graphics device of this machine; says why not in words for a person.
 * @param load - imports a package by its name
 */
export async function openWebgpu(load: Load = name => import(name)): Promise<LoadedWebgpu | NoWebgpu> {
  const turn = opening.then(() => start(load))
  opening = turn.catch(() => null)
  const started = await turn
  if (!('users' in started)) return started
  started.users++
  let isOpen = true
  return {
    isThere: true,
    tf: started.tf,
    description: started.description,
    isSoftware: started.isSoftware,
    fault: () => started.fault,
    close() {
      if (isOpen && --started.users === 0) end(started)
      isOpen = false
    }
  }
}

async function start(load: Load): Promise<Shared | NoWebgpu> {
  if (shared !== null) return shared
  const loaded = await loadPackages(load)
  if ('isThere' in loaded) return loaded
  const { dawn, tfjs } = loaded
  // Both the device and tfjs look for these where a browser has them.
  for (const [name, value] of Object.entries(dawn.globals))
    if (!(name in globalThis))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  const gpu = dawn.create([])
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) return noAdapter()
  let device: Device
  try {
    device = await adapter.requestDevice({ requiredLimits: wantedLimits(adapter.limits) })
  } catch (error) {
    const reason = `the graphics driver (${adapter.info.description}) refuses a device: ${messageOf(error)}`
    return {
      isThere: false,
      code: 'DEVICE_REFUSED',
      reason,
      fix: 'update the driver, or take --backend wasm'
    }
  }
  const tf = await import('@tensorflow/tfjs-core')
  tf.registerBackend('webgpu', () => inBrowsersPlace(gpu, () => new tfjs.WebGPUBackend(device, adapter.info)))
  const opened: Shared = {
    tf,
    device,
    description: describe(adapter),
    isSoftware: adapter.info.isFallbackAdapter === true,
    fault: null,
    users: 0
  }
  device.addEventListener('uncapturederror', ({ error }) => {
    opened.fault ??= new Error(error.message)
  })
  void device.lost.then(({ message }) => {
    opened.fault ??= new Error(message)
  })
  shared = opened
  return opened
}

function end({ tf, device }: Shared): void {
  shared = null
  tf.removeBackend('webgpu')
  device.destroy()
}

async function loadPackages(load: Load): Promise<Packages | NoWebgpu> {
  const loaded: Partial<Record<keyof Packages, unknown>> = {}
  for (const role of ['dawn', 'tfjs'] as const) {
    try {
      loaded[role] = await load(packages[role])
    } catch (error) {
      return notLoaded(packages[role], error)
    }
  }
  return loaded as unknown as Packages
}

function notLoaded(name: string, error: unknown): NoWebgpu {
  const message = messageOf(error)
  const { code } = error as { code?: unknown }
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`))
    return {
      isThere: false,
      code: 'NOT_INSTALLED',
      reason: `the package ${name} is not installed`,
      fix: install
    }
  const reason = `the package ${name} could not be loaded: ${message}`
  return { isThere: false, code: 'LOAD_FAILED', reason, fix: `install it anew: ${install}` }
}

function noAdapter(): NoWebgpu {
  const reason = 'there is no graphics driver here that WebGPU can use'
  const fix =
    process.platform === 'linux'
      ? "install your card's Vulkan driver, or one in software (slow): apt-get install mesa-vulkan-drivers, of Mesa 23 or newer (on Debian 12 from bookworm-backports)"
      : "update the graphics card's driver"
  return { isThere: false, code: 'NO_ADAPTER', reason, fix }
}

/** What tfjs asks for: as much as there is, as weights of a large vocabulary are more than the default allows. */
function wantedLimits(limits: Readonly<Record<string, number>>): Record<string, number> {
  const wanted = [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxComputeWorkgroupStorageSize',
    'maxComputeWorkgroupsPerDimension'
  ]
  return Object.fromEntries(wanted.map(name => [name, limits[name]!]))
}

/** Runs `make` while `navigator.gpu` is there, as in a browser. It must not stay: as long as it does, Node does not end. */
function inBrowsersPlace<R>(gpu: Gpu, make: () => R): R {
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true })
  try {
    return make()
  } finally {
    delete (globalThis.navigator as { gpu?: unknown }).gpu
  }
}

function describe({ info }: Adapter): string {
  return `${info.description || info.device || info.vendor} through WebGPU (Dawn) and TensorFlow.js`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
