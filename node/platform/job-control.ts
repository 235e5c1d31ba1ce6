/**
 * A cell of shared memory beside each job: a thread that trains reads no messages while it works, so this is how it is
 * told to stop, to pause, or to do less.
 */

import type { PowerGate } from '../train/loop.ts'
import { type PowerAllowance, stepsAllowed } from '../train/power-policy.ts'

/** [2]: whether to stop, and what the power supply allows. */
export type JobControl = Int32Array

const abortAt = 0
const powerAt = 1

const allowances: readonly PowerAllowance[] = ['all', 'fewer', 'none']

export function createJobControl(): JobControl {
  return new Int32Array(new SharedArrayBuffer(8))
}

export function abortJob(control: JobControl): void {
  Atomics.store(control, abortAt, 1)
  // Also if it waits for power.
  Atomics.notify(control, powerAt)
}

export function isJobAborted(control: JobControl): boolean {
  return Atomics.load(control, abortAt) !== 0
}

export function allowPower(control: JobControl, allowance: PowerAllowance): void {
  Atomics.store(control, powerAt, allowances.indexOf(allowance))
  Atomics.notify(control, powerAt)
}

/** The thread's side of `allowPower`. */
export function powerGateOf(control: JobControl): PowerGate {
  const allowance = (): PowerAllowance => allowances[Atomics.load(control, powerAt)]!
  return {
    stepsAllowed: steps => stepsAllowed(allowance(), steps),
    pause() {
      if (allowance() !== 'none' || isJobAborted(control)) return null
      const { value } = Atomics.waitAsync(control, powerAt, allowances.indexOf('none'))
      return Promise.resolve(value).then(() => {})
    }
  }
}
