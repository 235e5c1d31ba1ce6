import { expect } from 'chai'
import fc from 'fast-check'
import { VirtualClock } from '../../sim/virtual-clock.ts'

describe('virtual clock', () => {
  it('runs timers in the order of their times, and those of one time in the order in which they were set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), async delays => {
        const clock = new VirtualClock()
        const ran: Array<{ i: number; atMs: number }> = []
        delays.forEach((delayMs, i) => void clock.after(delayMs, () => ran.push({ i, atMs: clock.nowMs() })))
        await clock.runUntilIdle()
        const expected = delays.map((atMs, i) => ({ i, atMs })).sort((a, b) => a.atMs - b.atMs || a.i - b.i)
        expect(ran).to.deep.equal(expected)
      }),
      { numRuns: 50 }
    )
  })

  it('finishes what a timer leads to before the next one, however long the chain of promises', async () => {
    const clock = new VirtualClock()
    const ran: string[] = []
    clock.after(10, async () => {
      for (let i = 0; i < 100; i++) await null
      ran.push('end of the first')
    })
    clock.after(10, () => ran.push('second'))
    await clock.runUntilIdle()
    expect(ran).to.deep.equal(['end of the first', 'second'])
  })

  it('does not run a timer that was cancelled, or one that lies beyond the end', async () => {
    const clock = new VirtualClock(1000)
    const ran: number[] = []
    const cancel = clock.after(5, () => ran.push(5))
    clock.after(7, () => ran.push(7))
    clock.after(8, () => ran.push(8))
    cancel()
    expect(clock.pending).to.equal(2)
    await clock.advance(7)
    expect(ran).to.deep.equal([7])
    expect(clock.nowMs()).to.equal(1007)
    await clock.advance(7)
    expect(clock.nowMs()).to.equal(1014)
    expect(clock.pending).to.equal(0)
  })

  it('lets time pass until something holds, and says whether it does', async () => {
    const clock = new VirtualClock()
    let ticks = 0
    const tick = (): void => {
      ticks++
      clock.after(10, tick)
    }
    tick()
    expect(await clock.runUntil(() => ticks === 5)).to.equal(true)
    expect(clock.nowMs()).to.equal(40)
    expect(await clock.runUntil(() => ticks === 100, 50)).to.equal(false)
    expect(clock.nowMs()).to.equal(90)
    expect(await new VirtualClock().runUntil(() => false)).to.equal(false)
  })
})
