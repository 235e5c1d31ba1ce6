/** Stands in for training where bytes are counted: it costs next to nothing, and what it comes to is as long as a real change. */
import { type AdapterLayout, spansOf } from '../../../aggregation/adapter-layout.ts'
import { systemClock } from '../../../node/platform/system-clock.ts'
import type { Trainer } from '../../../node/train/trainer.ts'
import { vectorTrainer } from '../../../test/support/vector-trainer.ts'

/** Of a linear congruential generator modulo 2^32. Source: Numerical Recipes, 2nd edition, chapter 7.1. */
const MULTIPLIER = 1_664_525
const INCREMENT = 1_013_904_223

/** Adds a small pseudo-random number to each weight that is trained; a pure function of the job and the peer's number. */
export function driftTrainer(layout: AdapterLayout, baseModelSha256: string, number: number): Trainer {
  const initial = new Float32Array(layout.length)
  const { train: _, ...rest } = vectorTrainer({
    layout,
    initial,
    baseModelSha256,
    number,
    clock: systemClock,
    trainMs: 0
  })
  return {
    ...rest,
    async train(job) {
      const adapter = job.adapter.slice()
      let state = (number * 7919 + job.seed) >>> 0
      for (const { offset, length } of spansOf(layout, job.factors)) {
        for (let i = offset; i < offset + length; i++) {
          state = (Math.imul(state, MULTIPLIER) + INCREMENT) >>> 0
          adapter[i]! += (state / 2 ** 32 - 0.5) / 100
        }
      }
      return {
        adapter,
        steps: job.steps,
        endedBy: 'steps',
        seconds: null,
        energyJoules: null,
        meanLoss: 2,
        lastLoss: 2,
        tokens: job.steps
      }
    }
  }
}
