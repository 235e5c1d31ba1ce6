import { expect } from 'chai'
import { abortJob, allowPower, createJobControl, powerGateOf } from '../../../node/platform/job-control.ts'
import { PowerWatch } from '../../../node/platform/power-watch.ts'
import { supplyOf } from '../../../node/platform/system-facts.ts'
import type { TrainerNotice } from '../../../node/platform/trainer-messages.ts'
import type { PowerPolicy, PowerSupply } from '../../../node/train/power-policy.ts'
import { powerAllowance } from '../../../node/train/power-policy.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'

const low: PowerSupply = { isOnBattery: true, percent: 17 }
const charged: PowerSupply = { isOnBattery: true, percent: 80 }
const mains: PowerSupply = { isOnBattery: false, percent: 17 }
const pausing: PowerPolicy = { batteryMinPercent: 20, whenLow: 'pause' }

describe('the power policy', () => {
  it('holds training up only on battery, below the level', () => {
    expect(powerAllowance(pausing, low)).to.equal('none')
    expect(powerAllowance({ ...pausing, whenLow: 'fewer' }, low)).to.equal('fewer')
    for (const supply of [
      charged,
      mains,
      null,
      { isOnBattery: true, percent: null },
      { isOnBattery: true, percent: 20 }
    ])
      expect(powerAllowance(pausing, supply)).to.equal('all')
  })

  it('knows the battery by what the system says', () => {
    expect(supplyOf({ hasBattery: false, acConnected: true, percent: 0 })).to.equal(null)
    expect(supplyOf({ hasBattery: true, acConnected: false, percent: 12 })).to.deep.equal({
      isOnBattery: true,
      percent: 12
    })
    expect(supplyOf({ hasBattery: true, acConnected: true, percent: null })!.percent).to.equal(null)
  })
})

describe('the watch over the power supply', () => {
  /** A machine whose battery is as set, and which takes 10 W. */
  function machine(policy: PowerPolicy | null = pausing) {
    const clock = new VirtualClock()
    const notices: TrainerNotice[] = []
    const state: { supply: PowerSupply | null | Error; asked: number } = { supply: charged, asked: 0 }
    const watch = new PowerWatch({
      clock,
      policy,
      energy: { description: 'ten watts', read: async () => clock.nowMs() / 100 },
      async supply() {
        state.asked++
        if (state.supply instanceof Error) throw state.supply
        return state.supply
      },
      tell: notice => void notices.push(notice)
    })
    return { clock, watch, notices, state }
  }
  const isPaused = (gate: ReturnType<typeof powerGateOf>): boolean => gate.pause() !== null

  it('pauses a job while the battery is low, says so once each way, and asks no more when the job is over', async () => {
    const { clock, watch, notices, state } = machine()
    const job = createJobControl()
    const gate = powerGateOf(job)
    const stop = await watch.follow(job)
    expect(isPaused(gate)).to.equal(false)
    state.supply = low
    await clock.advance(60_000)
    expect(isPaused(gate)).to.equal(true)
    state.supply = mains
    await clock.advance(60_000)
    expect(isPaused(gate)).to.equal(false)
    expect(notices.map(({ kind }) => kind)).to.deep.equal(['power', 'power'])
    expect(notices[0]!.message).to.contain('on battery at 17 %, below 20 %').and.to.contain('pauses')
    expect(notices[1]!.message).to.contain('the power is back')
    await stop()
    const { asked } = state
    await clock.advance(600_000)
    expect(state.asked).to.equal(asked)
    expect(clock.pending).to.equal(0)
  })

  it('pauses a job that begins on a low battery before its first step', async () => {
    const { watch, state } = machine()
    state.supply = low
    const job = createJobControl()
    await watch.follow(job)
    expect(isPaused(powerGateOf(job))).to.equal(true)
  })

  it('lets a quarter of the steps be done, at least one, if that is what is to be done', async () => {
    const { watch, state, notices } = machine({ batteryMinPercent: 20, whenLow: 'fewer' })
    state.supply = low
    const job = createJobControl()
    await watch.follow(job)
    const gate = powerGateOf(job)
    expect([1, 3, 8, 100].map(steps => gate.stepsAllowed(steps))).to.deep.equal([1, 1, 2, 25])
    expect(isPaused(gate)).to.equal(false)
    expect(notices[0]!.message).to.contain('only 25 % of the steps')
  })

  it('trains where the battery cannot be asked', async () => {
    const { watch, state } = machine()
    state.supply = new Error('no such command')
    const job = createJobControl()
    await watch.follow(job)
    expect(isPaused(powerGateOf(job))).to.equal(false)
  })

  it('counts the energy of each job', async () => {
    const { clock, watch } = machine(null)
    const first = await watch.follow(createJobControl())
    await clock.advance(10_000)
    const second = await watch.follow(createJobControl())
    await clock.advance(5_000)
    expect(await first()).to.equal(150)
    expect(await second()).to.equal(50)
  })
})

describe('a paused thread', () => {
  it('goes on when power is allowed, and gives up when the job is', async () => {
    for (const wake of [(job: Int32Array) => allowPower(job, 'all'), abortJob]) {
      const job = createJobControl()
      allowPower(job, 'none')
      const gate = powerGateOf(job)
      const pause = gate.pause()!
      wake(job)
      await pause
      expect(gate.pause()).to.equal(null)
    }
  })
})
