/**
 * Where the control words of the kernels lie in their memory, in bytes. Read by TypeScript and by AssemblyScript alike,
 * so only constants stand here. Words that threads contend for have a cache line each.
 */

/** Number of the command that is open to be worked on, 0 if none is. */
export const openAt = 0
/** Threads that are working on the command. */
export const insideAt = 64
/** The next task to be claimed. */
export const nextAt = 128
/** Threads that sleep until a command opens. */
export const sleepersAt = 192
/** 1 while the calling thread sleeps until the others have left. */
export const callerSleepsAt = 256
/** 1 once the threads shall end. */
export const stopAt = 320
/** Threads that ended by a trap. */
export const failedAt = 324
export const kernelAt = 384
export const taskCountAt = 388
/** 32-bit words, as the kernel reads them. */
export const argumentsAt = 448
export const argumentsMax = 48
/** Below it lies nothing but these words and the constants of the kernels; tensors and scratch above. */
export const heapStart = 65536

/** Floats of the panels that one thread packs for a matrix product: `depthMax` x `columnsMax` and one of 6 rows. */
export const depthMax = 384
export const columnsMax = 128
/** Queries, and keys, that attention takes at a time. */
export const attentionBlock = 64
/** Elements of a head: four packed blocks must fit into the scratch memory. */
export const headSizeMax = 960
/** Bytes that one thread needs besides its tensors. */
export const scratchBytes = 1048576
