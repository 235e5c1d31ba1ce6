/** What this machine has and what state it is in: memory, graphics memory, battery. */
import { totalmem } from 'node:os'
import type { PowerSupply } from '../train/power-policy.ts'

/** What can be asked of a machine. A test asks a made-up one. */
export interface SystemFacts {
  /** Memory that this process may use: the machine's, or what a container or control group leaves of it. */
  memoryBytes(): number
  /** Memory of the largest graphics card; null if there is none, or it does not say. */
  gpuMemoryBytes(): Promise<number | null>
  /** Null if there is no battery, or the system does not tell of it. */
  powerSupply(): Promise<PowerSupply | null>
}

export const systemFacts: SystemFacts = {
  memoryBytes: () => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),

  async gpuMemoryBytes() {
    const { graphics } = await import('systeminformation')
    // A machine whose cards cannot be listed is one that does not say.
    const { controllers } = await graphics().catch(() => ({ controllers: [] }))
    // In MiB. `memoryTotal` is the driver's word, `vram` what the bus tells.
    const sizes = controllers.map(({ memoryTotal, vram, vramDynamic }) => {
      return memoryTotal ?? (vramDynamic ? 0 : (vram ?? 0))
    })
    const largest = Math.max(0, ...sizes)
    return largest === 0 ? null : largest * 2 ** 20
  },

  async powerSupply() {
    const { battery } = await import('systeminformation')
    return supplyOf(await battery())
  }
}

/** From what `systeminformation` says of batteries. */
export function supplyOf(battery: {
  readonly hasBattery: boolean
  readonly acConnected: boolean
  readonly percent: number | null
}): PowerSupply | null {
  const { hasBattery, acConnected, percent } = battery
  if (!hasBattery) return null
  const isKnown = percent !== null && Number.isFinite(percent)
  return { isOnBattery: !acConnected, percent: isKnown ? Math.min(100, Math.max(0, percent)) : null }
}
