import { expect } from 'chai'
import fc from 'fast-check'
import { type LearningRateSchedule, learningRateAt } from '../../../node/train/schedule.ts'

const cosine: LearningRateSchedule = { peak: 1, warmupSteps: 4, shape: 'cosine', totalSteps: 14, floor: 0.1 }

describe('learningRateAt', () => {
  it('rises linearly, then falls along half a cosine to the floor', () => {
    const at = (step: number) => learningRateAt(cosine, step)
    expect([0, 1, 2, 3].map(at)).to.deep.equal([0.25, 0.5, 0.75, 1])
    expect(at(4)).to.equal(1)
    expect(at(9)).to.be.closeTo(0.55, 1e-12)
    expect(at(14)).to.be.closeTo(0.1, 1e-12)
    expect(at(100)).to.be.closeTo(0.1, 1e-12)
  })

  it('stays at the peak if constant', () => {
    expect(learningRateAt({ ...cosine, shape: 'constant' }, 13)).to.equal(1)
    expect(learningRateAt({ ...cosine, shape: 'constant', warmupSteps: 0 }, 0)).to.equal(1)
  })

  it('never passes the peak or the floor, rises while it warms up and never rises again', () => {
    const schedules = fc.record({
      peak: fc.double({ min: 1e-6, max: 10, noNaN: true }),
      warmupSteps: fc.nat(20),
      shape: fc.constantFrom('constant' as const, 'cosine' as const),
      totalSteps: fc.integer({ min: 21, max: 60 }),
      floor: fc.double({ min: 0, max: 1, noNaN: true })
    })
    fc.assert(
      fc.property(schedules, schedule => {
        const { peak, warmupSteps, totalSteps, floor, shape } = schedule
        const rates = Array.from({ length: totalSteps + 1 }, (_, step) => learningRateAt(schedule, step))
        for (const [step, rate] of rates.entries()) {
          expect(rate)
            .to.be.above(0 - Number.EPSILON)
            .and.at.most(peak * (1 + 1e-12))
          if (step === 0) continue
          if (step < warmupSteps) expect(rate).to.be.above(rates[step - 1]!)
          else if (step > warmupSteps) expect(rate).to.be.at.most(rates[step - 1]!)
        }
        expect(Math.max(...rates)).to.be.closeTo(peak, 1e-12 * peak)
        const last = shape === 'cosine' ? floor * peak : peak
        expect(rates.at(-1)).to.be.closeTo(last, 1e-9 * peak)
      })
    )
  })
})
