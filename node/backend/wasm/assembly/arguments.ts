// What a command was given, and the memory that this thread may write to besides.

import { argumentsAt } from '../kernel-control.ts'

// @ts-ignore: decorator
@inline
export function word(i: i32): i32 {
  return load<i32>(argumentsAt + (i << 2))
}

// @ts-ignore: decorator
@inline
export function pointer(i: i32): usize {
  return load<u32>(argumentsAt + (i << 2)) as usize
}

// @ts-ignore: decorator
@inline
export function real(i: i32): f32 {
  return load<f32>(argumentsAt + (i << 2))
}

/** `scratchBytes` of this thread's own. */
export let scratch: usize = 0

export function setScratch(at: usize): void {
  scratch = at
}
