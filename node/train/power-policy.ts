/** What a machine's battery lets it train. */

/** What is known of the power supply. */
export interface PowerSupply {
  readonly isOnBattery: boolean
  /** Charge of the battery, 0 to 100; null if the system does not say. */
  readonly percent: number | null
}

/** What to do on battery below a level. */
export interface PowerPolicy {
  /** 0 to 100. */
  readonly batteryMinPercent: number
  /** `pause`: wait for the mains or for charge; `fewer`: do a part of the steps. */
  readonly whenLow: 'pause' | 'fewer'
}

/** How much of a job may be done: all of its steps, a part of them, or for now none. */
export type PowerAllowance = 'all' | 'fewer' | 'none'

/** Of a job's steps, on a low battery. */
export const fewerStepsShare = 1 / 4

/** A machine that does not say how full its battery is, or that it has one, trains. */
export function powerAllowance(
  { batteryMinPercent, whenLow }: PowerPolicy,
  supply: PowerSupply | null
): PowerAllowance {
  const isLow = supply?.isOnBattery === true && supply.percent !== null && supply.percent < batteryMinPercent
  if (!isLow) return 'all'
  return whenLow === 'pause' ? 'none' : 'fewer'
}

/** Steps of a job of so many that may be done. */
export function stepsAllowed(allowance: PowerAllowance, steps: number): number {
  return allowance === 'fewer' ? Math.max(1, Math.floor(steps * fewerStepsShare)) : steps
}
