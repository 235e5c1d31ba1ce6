import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { packageDir } from './package-dir.ts'

/** The two backends that compute through the TensorFlow library: on an NVIDIA card, on the CPU. */
export type TensorflowBackendName = 'cuda' | 'tensorflow'

/** Why TensorFlow cannot be used here. */
export type NoTensorflowCode =
  | 'NOT_INSTALLED' // the package is in none of the places where it is looked for
  | 'ADDON_MISSING' // the package is there, its native half is not: its download was blocked or left out
  | 'OLD_LIBC' // the addon or TensorFlow needs a newer C library than this system's
  | 'LIBRARY_MISSING' // a shared library that the addon needs is not there
  | 'LOAD_FAILED' // loading failed for another reason, which is given
  | 'NO_DRIVER' // no NVIDIA driver
  | 'OLD_DRIVER' // an NVIDIA driver that is older than CUDA 12
  | 'NO_CARD' // a driver without a card
  | 'CARD_REFUSED' // a card that TensorFlow does not use
  | 'LOADED_ON_CARD' // the CPU is asked for, but TensorFlow is loaded in this process and computes on the card

/** For a person: what was found, and what to do about it. */
export interface NoTensorflow {
  readonly isThere: false
  readonly code: NoTensorflowCode
  readonly reason: string
  /** What to do, with the command to run. */
  readonly fix: string
}

export interface TensorflowPackage {
  readonly isThere: true
  /** `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`. */
  readonly packageName: string
  /** The package's folder. */
  readonly folder: string
}

/** An NVIDIA driver and its cards, as the driver itself lists them. */
export interface NvidiaFacts {
  /** Such as `550.54.14`; null without a driver. */
  readonly driverVersion: string | null
  readonly cards: readonly string[]
}

/** Where to look; by default this machine. */
export interface TensorflowPlaces {
  readonly environment?: NodeJS.ProcessEnv
  /** From where Node looks for packages as `import` would, a file's path or URL. */
  readonly importer?: string
  /** What the driver says of itself. */
  readonly nvidiaFolder?: string
}

/** A folder that holds the package, or that holds node_modules with it. */
const folderVariable = 'FEDPEFT_TFJS_NODE'

const wslDriver = '/usr/lib/wsl/lib/libcuda.so.1'

/** The first driver branch that runs CUDA 12. Source: CUDA 12 release notes, table "Minor Version Compatibility". */
const driverMajorMin = 525

/** The package for a backend: each has its own, of one JavaScript and one addon source. */
export function tensorflowPackageName(backend: TensorflowBackendName): string {
  return backend === 'cuda' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node'
}

/** The command that builds the addon where it is looked for by default. */
export function buildCommand(backend: TensorflowBackendName): string {
  const script = join(packageDir(), 'scripts', 'tensorflow', 'build-addon.mjs')
  return `node ${script}${backend === 'cuda' ? ' --gpu' : ''}`
}

/**
 * Looks for the package of a backend with its addon, without loading anything: in the folder that $FEDPEFT_TFJS_NODE
 * names, beside this package as `import` would, and where scripts/tensorflow/build-addon.mjs puts it.
 */
export function findTensorflow(
  backend: TensorflowBackendName,
  places: TensorflowPlaces = {}
): TensorflowPackage | NoTensorflow {
  const packageName = tensorflowPackageName(backend)
  const environment = places.environment ?? process.env
  const candidates = packageFolders(packageName, environment, places.importer ?? import.meta.url)
  const installed = candidates.filter(folder => existsSync(join(folder, 'package.json')))
  const complete = installed.find(hasAddon)
  if (complete !== undefined) return { isThere: true, packageName, folder: complete }
  if (installed.length > 0) {
    return {
      isThere: false,
      code: 'ADDON_MISSING',
      reason: `${packageName} is installed in ${installed[0]}, but its native addon is not: its install script was not run, or could not download it (it comes from storage.googleapis.com, which many networks block)`,
      fix: `build it from the npm and Python registries alone: ${buildCommand(backend)}`
    }
  }
  return {
    isThere: false,
    code: 'NOT_INSTALLED',
    reason: `${packageName} is not installed (looked in ${candidates.join(', ')})`,
    fix: `build it: ${buildCommand(backend)}`
  }
}

function packageFolders(packageName: string, environment: NodeJS.ProcessEnv, importer: string): string[] {
  const folders: string[] = []
  const named = environment[folderVariable]
  if (named) folders.push(join(named, 'node_modules', packageName), ...ownFolder(named, packageName))
  for (const parent of createRequire(importer).resolve.paths(packageName) ?? []) {
    const folder = join(parent, packageName)
    // All folders up to the root are looked in; a person wants to read of one.
    if (existsSync(folder)) folders.push(folder)
  }
  const cache = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const shortName = packageName.slice(packageName.indexOf('/') + 1)
  folders.push(join(cache, 'fedpeft', shortName, 'node_modules', packageName))
  return folders
}

/** The folder itself, if it is the package's. */
function ownFolder(folder: string, packageName: string): string[] {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }
    return name === packageName ? [folder] : []
  } catch {
    return []
  }
}

function hasAddon(folder: string): boolean {
  const lib = join(folder, 'lib')
  if (!existsSync(lib) || !statSync(lib).isDirectory()) return false
  return readdirSync(lib).some(name => existsSync(join(lib, name, 'tfjs_binding.node')))
}

/** Reads what the NVIDIA driver says of itself; loads nothing. */
export function nvidiaFacts(folder = '/proc/driver/nvidia'): NvidiaFacts {
  const version = readIfThere(join(folder, 'version'))
  // Under WSL the driver is that of Windows, which lists nothing here.
  if (version === null && existsSync(wslDriver))
    return { driverVersion: 'unknown', cards: ['NVIDIA card of Windows'] }
  const gpus = join(folder, 'gpus')
  const cards = existsSync(gpus) ? readdirSync(gpus).map(bus => cardName(join(gpus, bus), bus)) : []
  const driverVersion = version === null ? null : (version.match(/\b\d{3,}\.\d+(\.\d+)?\b/)?.[0] ?? 'unknown')
  return { driverVersion, cards }
}

function cardName(folder: string, bus: string): string {
  return (
    readIfThere(join(folder, 'information'))
      ?.match(/^Model:\s*(.+)$/m)?.[1]
      ?.trim() ?? `card ${bus}`
  )
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

/** Why there is no use in loading the CUDA build on this machine; null if there is. */
export function withoutCard({ driverVersion, cards }: NvidiaFacts): NoTensorflow | null {
  const install = `install NVIDIA's driver ${driverMajorMin} or newer (Ubuntu: sudo ubuntu-drivers install; Debian: sudo apt-get install nvidia-driver; else https://www.nvidia.com/drivers)`
  if (driverVersion === null) {
    const reason = 'there is no NVIDIA driver on this machine'
    const fix = `if it has an NVIDIA card, ${install}; in a container, start it with --gpus all`
    return { isThere: false, code: 'NO_DRIVER', reason, fix }
  }
  if (Number.parseInt(driverVersion, 10) < driverMajorMin) {
    const reason = `the NVIDIA driver is ${driverVersion}, which is too old for CUDA 12`
    return { isThere: false, code: 'OLD_DRIVER', reason, fix: install }
  }
  if (cards.length > 0) return null
  const reason = `the NVIDIA driver ${driverVersion} lists no card`
  const fix = 'see whether the card is seated and powered: lspci | grep -i nvidia'
  return { isThere: false, code: 'NO_CARD', reason, fix }
}
