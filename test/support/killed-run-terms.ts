/** What the processes of killed-run.ts have to agree on. */
import { type TestRun, testRun } from './chains.ts'

export const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
export const TRAIN_MS = 30

/** Short, so that a death costs little: a phase waits so long for who does not come back in time. */
const deadlines = { keysMs: 3_000, trainingMs: 6_000, inputsMs: 3_000, unmaskingMs: 3_000, viewMs: 1_500 }

export function killedRun(rounds: number): TestRun {
  // On a busy machine an attempt may come to nothing: there is to be another.
  return testRun(4, { rounds, deadlines, cohort: { founders: 4, attempts: 100 } })
}
