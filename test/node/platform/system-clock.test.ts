import { expect } from 'chai'
import { systemClock } from '../../../node/platform/system-clock.ts'

describe('system clock', () => {
  it('runs what it was given, unless it was cancelled', async () => {
    const ran: string[] = []
    await new Promise<void>(resolve => {
      systemClock.after(8, () => resolve())
      systemClock.after(4, () => ran.push('later'))
      systemClock.after(0, () => ran.push('soon'))
      systemClock.after(-5, () => ran.push('overdue'))
      systemClock.after(1, () => ran.push('cancelled'))()
    })
    expect(ran.sort()).to.deep.equal(['later', 'overdue', 'soon'])
  })

  it('does not take a delay of months for none', async () => {
    let ran = false
    const cancel = systemClock.after(2 ** 40, () => {
      ran = true
    })
    await new Promise(resolve => setTimeout(resolve, 5))
    cancel()
    expect(ran).to.equal(false)
  })

  it('tells the time of day in milliseconds', () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).to.be.below(60_000)
  })
})
