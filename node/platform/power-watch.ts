import type { Clock } from '../../protocols/ports.ts'
import {
  fewerStepsShare,
  type PowerAllowance,
  type PowerPolicy,
  type PowerSupply,
  powerAllowance
} from '../train/power-policy.ts'
import type { EnergyMeter } from './energy-meter.ts'
import { allowPower, type JobControl } from './job-control.ts'
import type { TrainerNotice } from './trainer-messages.ts'

export interface PowerWatchOptions {
  readonly clock: Pick<Clock, 'after'>
  supply(): Promise<PowerSupply | null>
  /** Null: train, whatever the battery. */
  readonly policy: PowerPolicy | null
  /** Null where the machine does not tell. */
  readonly energy: EnergyMeter | null
  tell(notice: TrainerNotice): void
}

/** A battery that is nearly empty lasts for minutes; asking takes some milliseconds. */
const ASK_AGAIN_MS = 15_000

/** Looks after the power supply while jobs are trained: holds them up as the policy says, and counts their energy. */
export class PowerWatch {
  private readonly options: PowerWatchOptions
  private readonly jobs = new Set<JobControl>()
  private allowance: PowerAllowance = 'all'
  private cancel: () => void = () => {}

  constructor(options: PowerWatchOptions) {
    this.options = options
  }

  /**
   * Looks after a job from now on.
   * @returns a function that ends that, and gives the joules that the whole machine has taken since; null if not known
   */
  async follow(job: JobControl): Promise<() => Promise<number | null>> {
    const { energy } = this.options
    this.jobs.add(job)
    await this.ask()
    if (this.jobs.size === 1) this.askAgain()
    const before = (await energy?.read()) ?? null
    return async () => {
      this.jobs.delete(job)
      if (this.jobs.size === 0) this.cancel()
      return before === null ? null : (await energy!.read()) - before
    }
  }

  private askAgain(): void {
    this.cancel()
    this.cancel = this.options.clock.after(ASK_AGAIN_MS, () => {
      // Its counter would else have gone round between two looks.
      const asked = Promise.all([this.ask(), this.options.energy?.read()])
      void asked.then(() => {
        if (this.jobs.size > 0) this.askAgain()
      })
    })
  }

  private async ask(): Promise<void> {
    const { policy, tell } = this.options
    if (policy === null) return
    // A battery that cannot be asked must not stop training.
    const supply = await this.options.supply().catch(() => null)
    const before = this.allowance
    this.allowance = powerAllowance(policy, supply)
    for (const job of this.jobs) allowPower(job, this.allowance)
    if (this.allowance === before) return
    tell({ kind: 'power', message: words(this.allowance, policy, supply) })
  }
}

function words(
  allowance: PowerAllowance,
  { batteryMinPercent }: PowerPolicy,
  supply: PowerSupply | null
): string {
  if (allowance === 'all') {
    return supply?.isOnBattery
      ? 'the battery is charged again: training goes on'
      : 'the power is back: training goes on'
  }
  const state = `on battery at ${Math.round(supply?.percent ?? 0)} %, below ${batteryMinPercent} %`
  return allowance === 'none'
    ? `${state}: training pauses until it is charged or plugged in; rounds may go by without this peer`
    : `${state}: only ${fewerStepsShare * 100} % of the steps are done`
}
