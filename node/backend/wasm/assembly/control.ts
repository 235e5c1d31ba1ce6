// How commands reach the kernels: a number of tasks, claimed one by one by the calling thread and by the others.

import {
  callerSleepsAt,
  insideAt,
  kernelAt,
  nextAt,
  openAt,
  sleepersAt,
  stopAt,
  taskCountAt
} from '../kernel-control.ts'
import { runTask } from './run-task.ts'

/** Looks at a word before a thread goes to sleep: some 20 microseconds, about what waking it up costs. */
const spinMax: i32 = 20000

/** Runs tasks on this thread alone. */
export function runHere(kernel: i32, taskCount: i32): void {
  for (let task = 0; task < taskCount; task++) runTask(kernel, task)
}

/**
 * Runs tasks on all threads, and returns when the last one is done. Which thread does a task must not matter to its
 * result. Commands are numbered from 1.
 */
export function runShared(command: i32, kernel: i32, taskCount: i32): void {
  store<i32>(kernelAt, kernel)
  store<i32>(taskCountAt, taskCount)
  atomic.store<i32>(nextAt, 0)
  atomic.store<i32>(openAt, command)
  if (atomic.load<i32>(sleepersAt) > 0) atomic.notify(openAt, -1)
  claimTasks(kernel, taskCount)
  // From here on no thread enters; those inside finish their last task.
  atomic.store<i32>(openAt, 0)
  for (let i = 0; i < spinMax; i++) if (atomic.load<i32>(insideAt) == 0) return
  atomic.store<i32>(callerSleepsAt, 1)
  for (let inside = atomic.load<i32>(insideAt); inside != 0; inside = atomic.load<i32>(insideAt)) {
    atomic.wait<i32>(insideAt, inside, -1)
  }
  atomic.store<i32>(callerSleepsAt, 0)
}

/** What a thread does until `stop`. */
export function serve(): void {
  let last = 0
  while (atomic.load<i32>(stopAt) == 0) {
    const open = awaitCommand(last)
    if (open <= 0 || open == last) continue
    atomic.add<i32>(insideAt, 1)
    // The command may have been closed meanwhile, and the caller may already write the next one's arguments.
    if (atomic.load<i32>(openAt) == open) {
      claimTasks(load<i32>(kernelAt), load<i32>(taskCountAt))
      last = open
    }
    atomic.sub<i32>(insideAt, 1)
    if (atomic.load<i32>(callerSleepsAt) != 0) atomic.notify(insideAt, 1)
  }
}

function awaitCommand(last: i32): i32 {
  let open = 0
  for (let i = 0; i < spinMax; i++) {
    open = atomic.load<i32>(openAt)
    if (open != 0 && open != last) return open
  }
  atomic.add<i32>(sleepersAt, 1)
  if (atomic.load<i32>(stopAt) == 0) atomic.wait<i32>(openAt, open, -1)
  atomic.sub<i32>(sleepersAt, 1)
  return atomic.load<i32>(openAt)
}

function claimTasks(kernel: i32, taskCount: i32): void {
  for (let task = atomic.add<i32>(nextAt, 1); task < taskCount; task = atomic.add<i32>(nextAt, 1)) {
    runTask(kernel, task)
  }
}
