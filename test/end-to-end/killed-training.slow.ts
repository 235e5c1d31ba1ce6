import { expect } from 'chai'
import { KilledTraining } from '../support/killed-training.ts'
import { testBackends } from '../support/test-backends.ts'

const steps = 60

describe('a process that trains and is killed again and again', function () {
  this.timeout(180_000)
  for (const backend of testBackends) {
    for (const every of [1, 4]) {
      it(`comes to the same end on ${backend}, with a checkpoint after each ${every} steps`, async () => {
        const whole = new KilledTraining(backend, steps, steps + 1)
        const killed = new KilledTraining(backend, steps, every)
        try {
          const uninterrupted = await whole.run()
          const kills: number[] = []
          for (let step = 0; step < steps; ) {
            step += every + Math.floor(Math.random() * 16)
            kills.push(step)
            const { losses, end } = await killed.run(step)
            for (const [at, loss] of losses)
              expect(loss, `step ${at}, killed after ${kills}`).to.equal(uninterrupted.losses.get(at))
            if (end !== null) break
          }
          const { end } = await killed.run()
          expect(end, `killed after ${kills}`).to.deep.equal(uninterrupted.end)
        } finally {
          whole.close()
          killed.close()
        }
      })
    }
  }
})
