import { expect } from 'chai'
import { MachineLoop } from '../../../node/peer/machine-loop.ts'
import type { Effect, RoundEvent, RoundMachine } from '../../../node/round/round-types.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'

/** Says each event back as a `training-failed` effect pair: enough to see order. */
interface Counter {
  readonly steps: readonly string[]
  readonly wakeAtMs: number
}

const forget = (round: number): Effect => ({ type: 'forget', round, attempt: 0 })
const event = (round: number): RoundEvent => ({ type: 'trained', round, attempt: 0 })

function machine(
  effectsOf: (event: RoundEvent) => Effect[],
  periodMs = Number.POSITIVE_INFINITY
): RoundMachine<Counter> {
  return {
    initial: nowMs => ({ steps: [], wakeAtMs: nowMs + periodMs }),
    step: ({ steps }, event, nowMs) => ({
      state: { steps: [...steps, event.type], wakeAtMs: nowMs + periodMs },
      effects: effectsOf(event)
    }),
    wakeAtMs: ({ wakeAtMs }) => wakeAtMs
  }
}

const twoEach = (event: RoundEvent): Effect[] =>
  event.type === 'trained' ? [forget(event.round), forget(event.round + 100)] : []

describe('the loop around the machine', () => {
  it('finishes each effect before the next, and all of an event before the next event', async () => {
    const clock = new VirtualClock()
    const order: string[] = []
    const perform = async (effect: Effect): Promise<void> => {
      if (effect.type !== 'forget') return
      order.push(`begin ${effect.round}`)
      await new Promise<void>(resolve => clock.after(10, resolve))
      order.push(`end ${effect.round}`)
    }
    const loop = new MachineLoop(machine(twoEach), clock, perform, error => {
      throw error
    })
    loop.push(event(1))
    loop.run(async () => {
      order.push('task')
      return event(3)
    })
    loop.push(event(2))
    await clock.advance(1000)
    const done = (round: number): string[] => [
      `begin ${round}`,
      `end ${round}`,
      `begin ${round + 100}`,
      `end ${round + 100}`
    ]
    expect(order).to.deep.equal([...done(1), 'task', ...done(3), ...done(2)])
  })

  it('sends a tick when the machine asks for one, and none after it was stopped', async () => {
    const clock = new VirtualClock()
    const loop = new MachineLoop(
      machine(() => [], 100),
      clock,
      async () => {},
      () => {}
    )
    loop.push(event(1))
    await clock.advance(1_050)
    expect(loop.state.steps).to.deep.equal(['trained', ...new Array(10).fill('tick')])
    await loop.stop()
    await clock.advance(1_000)
    expect(loop.state.steps).to.have.length(11)
    expect(clock.pending).to.equal(0)
  })

  it('carries out nothing after an effect that failed, and says so once', async () => {
    const clock = new VirtualClock()
    const tried: number[] = []
    const faults: unknown[] = []
    const perform = async (effect: Effect): Promise<void> => {
      if (effect.type === 'forget') tried.push(effect.round)
      throw new Error('disk full')
    }
    const loop = new MachineLoop(machine(twoEach, 100), clock, perform, error => faults.push(error))
    loop.push(event(1))
    loop.push(event(2))
    await clock.advance(1_000)
    loop.push(event(3))
    await clock.advance(1_000)
    expect(tried).to.deep.equal([1])
    expect(faults).to.have.length(1)
  })

  it('stopped in the middle of an event, finishes the effect under way and begins no other', async () => {
    const clock = new VirtualClock()
    const order: number[] = []
    let finish = (): void => {}
    const perform = async (effect: Effect): Promise<void> => {
      if (effect.type !== 'forget') return
      await new Promise<void>(resolve => {
        finish = resolve
      })
      order.push(effect.round)
    }
    const loop = new MachineLoop(machine(twoEach), clock, perform, () => {})
    loop.push(event(1))
    await clock.advance(1)
    let stopped = false
    const stopping = loop.stop().then(() => {
      stopped = true
    })
    await clock.advance(1)
    expect(stopped).to.equal(false)
    finish()
    await stopping
    expect(order).to.deep.equal([1])
  })
})
