import { expect } from 'chai'
import { type LearningRateSchedule, learningRateAt } from '../../../node/train/schedule.ts'

const cosine: LearningRateSchedule = { peak: 1, warmUpSteps: 4, shape: 'cosine', totalSteps: 14, floor: 0.1 }

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
    expect(learningRateAt({ ...cosine, shape: 'constant', warmUpSteps: 0 }, 0)).to.equal(1)
  })
})
