/** What a machine's facts mean for a person. */
import type { HubFacts } from '../../platform/doctor/hub-facts.ts'
import type { DiskFacts, MachineFacts } from '../../platform/doctor/machine-facts.ts'
import { bytesText } from '../join/words.ts'
import type { Check } from './check.ts'

/** Every Node from here on has what libp2p calls; this one is what the tests run on. */
const nodeMajor = 24

/** What training SmolLM2-135M takes, measured with `wasm`; the embedded model takes a tenth. */
const roomyMemoryBytes = 1e9
const scantMemoryBytes = 0.3e9

const scantDiskBytes = 0.5e9

/** A peer of the embedded model would soon pause. */
const fullDiskBytes = 10e6

/** This version was written later. */
const earliestMs = Date.UTC(2026, 0, 1)
const latestMs = Date.UTC(2100, 0, 1)

/** Signed certificates, such as those of the Hub, are judged by the clock. */
const clockToleranceMs = 120_000

export function nodeCheck({ nodeVersion, nodePath, system }: MachineFacts): Check {
  const check = { name: 'Node', fixes: [], data: { version: nodeVersion, path: nodePath, system } }
  const found = `${nodeVersion} at ${nodePath}, on ${system}`
  if (Number.parseInt(nodeVersion, 10) >= nodeMajor) return { ...check, status: 'ok', found }
  return {
    ...check,
    status: 'warning',
    found: `${found}; this program is tested with Node ${nodeMajor}`,
    fixes: [`npm install node@${nodeMajor} beside this package, or https://nodejs.org`]
  }
}

export function processorCheck({ cpu }: MachineFacts): Check {
  const { model, cores, vectors, wasmSimd, wasmRelaxedSimd } = cpu
  const instructions = vectors === null ? '' : `; ${vectors.join(' ') || 'no vector instructions'}`
  const simd = wasmSimd
    ? `WebAssembly with SIMD${wasmRelaxedSimd ? ' and fused multiply-add' : ', without fused multiply-add'}`
    : 'WebAssembly without SIMD'
  const check = {
    name: 'processor',
    found: `${model}: ${cores} ${cores === 1 ? 'core' : 'cores'}${instructions}; ${simd}`,
    data: { ...cpu }
  }
  if (wasmSimd && wasmRelaxedSimd) return { ...check, status: 'ok', fixes: [] }
  const fix = wasmSimd
    ? 'Node 24 has fused multiply-add in WebAssembly, which is faster'
    : 'our fast kernels need SIMD, which this Node or this processor does not have: try Node 24'
  return { ...check, status: 'warning', fixes: [fix] }
}

export function memoryCheck({ memory }: MachineFacts): Check {
  const { totalBytes, availableBytes } = memory
  const check = {
    name: 'memory',
    found: `${bytesText(availableBytes)} free of ${bytesText(totalBytes)}`,
    data: { ...memory }
  }
  if (availableBytes >= roomyMemoryBytes) return { ...check, status: 'ok', fixes: [] }
  const fix =
    availableBytes >= scantMemoryBytes
      ? 'enough for the embedded model; training SmolLM2-135M takes about 1 GB: close other programs before'
      : 'close other programs: even the embedded model takes 0.3 GB'
  return { ...check, status: 'warning', fixes: [fix] }
}

/** @param dir - as the person named it */
export function diskCheck(disk: DiskFacts | null, dir: string): Check {
  const name = 'disk'
  if (disk === null) {
    return {
      name,
      status: 'warning',
      found: `the system does not say how much is free at ${dir}`,
      fixes: [],
      data: { dir }
    }
  }
  const { folder, freeBytes, isWritable } = disk
  const check = { name, found: `${bytesText(freeBytes)} free at ${dir}`, data: { dir, ...disk } }
  if (!isWritable) {
    const found = `${folder} cannot be written to, where ${dir} is to lie`
    return {
      ...check,
      status: 'fault',
      found,
      fixes: [`choose another folder with --dir, or: chmod u+rwx ${folder}`]
    }
  }
  if (freeBytes >= scantDiskBytes) return { ...check, status: 'ok', fixes: [] }
  const fixes = ['make room, or choose a folder of another disk with --dir']
  return { ...check, status: freeBytes < fullDiskBytes ? 'fault' : 'warning', fixes }
}

export function clockCheck({ nowMs }: MachineFacts, hub: HubFacts | null): Check {
  const answer = hub?.answer ?? null
  const dateMs = answer?.isThere === true ? answer.dateMs : null
  const skewMs = dateMs === null ? null : nowMs - dateMs
  const time = new Date(nowMs)
    .toISOString()
    .replace(/\.\d+Z$/, ' UTC')
    .replace('T', ' ')
  const check = { name: 'clock', fixes: [], data: { nowMs, skewMs } }
  const fixes = ['set it: sudo timedatectl set-ntp true (or in the settings of your system)']
  if (nowMs < earliestMs || nowMs > latestMs) {
    const found = `${time}, which cannot be: connections to the Hub will fail`
    return { ...check, status: 'fault', found, fixes }
  }
  if (skewMs === null) return { ...check, status: 'ok', found: time }
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= clockToleranceMs)
    return { ...check, status: 'ok', found: `${time}, within ${seconds + 1} s of the Hub's` }
  const direction = skewMs > 0 ? 'ahead of' : 'behind'
  return { ...check, status: 'warning', found: `${time}, ${seconds} s ${direction} the Hub's`, fixes }
}

export function hubCheck(hub: HubFacts): Check {
  const { endpoint, cacheDir, cachedModels, tokenSource, isOffline, answer } = hub
  const token = tokenSource === null ? 'no token (public models need none)' : `a token in ${tokenSource}`
  const count = `${cachedModels} ${cachedModels === 1 ? 'model' : 'models'} in ${cacheDir}`
  const check = { name: 'Hub', fixes: [], data: { ...hub } }
  const facts = `${count}; ${token}`
  if (isOffline) {
    const found = `${endpoint} is not asked, since HF_HUB_OFFLINE is set; ${facts}`
    return { ...check, status: 'ok', found }
  }
  if (answer === null) return { ...check, status: 'ok', found: `${endpoint}, not asked; ${facts}` }
  if (answer.isThere) {
    const found = `${endpoint} answers in ${Math.round(answer.milliseconds)} ms; ${facts}`
    return { ...check, status: 'ok', found }
  }
  const proxy = answer.isProxyIgnored ? ['export NODE_USE_ENV_PROXY=1, so that Node uses your proxy'] : []
  return {
    ...check,
    status: 'absent',
    found: `${endpoint} does not answer (${answer.reason}); ${facts}`,
    fixes: [
      ...proxy,
      'without it, models come from the cache and from folders; a mirror is named with: export HF_ENDPOINT=https://…'
    ]
  }
}
