/** Energy that the machine takes, where it says so and this user may read it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface EnergyMeter {
  /** What is measured, for a person. */
  readonly description: string
  /** Joules since the meter was opened; to be read at least every quarter of an hour. */
  read(): Promise<number>
}

export interface EnergyPlaces {
  /** Of Linux; `/sys/class` by default. */
  readonly classFolder?: string
  /** Monotonic, in milliseconds. */
  nowMs?(): number
}

/**
 * Linux tells the energy of processor packages (RAPL, since 2020 to root alone in most distributions) and, on battery, the
 * power that the whole machine draws.
 * @returns null where neither can be read
 */
export async function openEnergyMeter(places: EnergyPlaces = {}): Promise<EnergyMeter | null> {
  const { classFolder = '/sys/class', nowMs = () => performance.now() } = places
  return (
    (await openRapl(join(classFolder, 'powercap'))) ?? openBattery(join(classFolder, 'power_supply'), nowMs)
  )
}

/** Source: https://docs.kernel.org/power/powercap/powercap.html */
async function openRapl(folder: string): Promise<EnergyMeter | null> {
  const zones = (await list(folder)).filter(name => /^intel-rapl:\d+$/.test(name))
  const packages: Array<{ file: string; rangeMicrojoules: number; last: number }> = []
  for (const zone of zones) {
    const [name, range, energy] = await Promise.all(
      ['name', 'max_energy_range_uj', 'energy_uj'].map(file => read(join(folder, zone, file)))
    )
    // `psys` is the platform that the packages are a part of.
    if (!name?.startsWith('package') || energy === null) continue
    packages.push({
      file: join(folder, zone, 'energy_uj'),
      rangeMicrojoules: Number(range),
      last: Number(energy)
    })
  }
  if (packages.length === 0) return null
  let joules = 0
  return {
    description: 'processor packages (RAPL)',
    async read() {
      for (const domain of packages) {
        const now = Number((await read(domain.file)) ?? domain.last)
        // The counter starts again from 0, at some 262 kJ.
        const more = now >= domain.last ? now - domain.last : now + domain.rangeMicrojoules - domain.last
        joules += more / 1e6
        domain.last = now
      }
      return joules
    }
  }
}

/** Source: https://docs.kernel.org/power/power_supply_class.html */
async function openBattery(folder: string, nowMs: () => number): Promise<EnergyMeter | null> {
  const batteries = (await list(folder)).filter(name => /^BAT/.test(name))
  /** Watts; 0 unless it discharges, when it is the machine's whole draw. */
  const watts = async (): Promise<number | null> => {
    const draws = await Promise.all(batteries.map(name => drawOf(join(folder, name))))
    const known = draws.filter(draw => draw !== null)
    return known.length === 0 ? null : known.reduce((sum, draw) => sum + draw, 0)
  }
  let last = await watts()
  if (last === null) return null
  let [lastMs, joules] = [nowMs(), 0]
  return {
    description: 'what the battery gives',
    async read() {
      const now = (await watts()) ?? 0
      const readMs = nowMs()
      joules += (((last ?? 0) + now) / 2) * ((readMs - lastMs) / 1000)
      last = now
      lastMs = readMs
      return joules
    }
  }
}

async function drawOf(folder: string): Promise<number | null> {
  const [status, microwatts, microamperes, microvolts] = await Promise.all(
    ['status', 'power_now', 'current_now', 'voltage_now'].map(file => read(join(folder, file)))
  )
  if (status === null) return null
  if (status !== 'Discharging') return microwatts === null && microamperes === null ? null : 0
  if (microwatts !== null) return Number(microwatts) / 1e6
  if (microamperes === null || microvolts === null) return null
  return (Number(microamperes) * Number(microvolts)) / 1e12
}

async function list(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

async function read(file: string): Promise<string | null> {
  return readFile(file, 'utf8').then(
    text => text.trim(),
    () => null
  )
}
