export interface LearningRateSchedule {
  readonly peak: number
  /** Steps of linear rise from 0; the first step already has peak / warmupSteps. */
  readonly warmupSteps: number
  /** 'constant' stays at the peak; 'cosine' falls to `floor` * peak at `totalSteps`. */
  readonly shape: 'constant' | 'cosine'
  readonly totalSteps: number
  readonly floor: number
}

/** The learning rate of a step, counted from 0. Cosine: Loshchilov and Hutter 2017, arXiv:1608.03983. */
export function learningRateAt(schedule: LearningRateSchedule, step: number): number {
  const { peak, warmupSteps, shape, totalSteps, floor } = schedule
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps
  if (shape === 'constant') return peak
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * done)))
}
