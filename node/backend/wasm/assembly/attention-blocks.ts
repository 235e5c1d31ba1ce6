// What attention and its gradient share: which keys a block of queries sees, and the scores of a block.
//
// Queries and keys are taken 64 by 64, so no matrix of all scores is ever kept. Dao et al. 2022, arXiv:2205.14135.

import { pointer, real, scratch, word } from './arguments.ts'
import { product, productBytes } from './product.ts'

/** Queries, and keys, of a block. */
export const blockSize: i32 = 64
/** Bytes from one row of a block of scores to the next. */
export const scoreRow: usize = 256

// Arguments that attention and its gradient have in the same places.
export const timeArgument = 0
export const headsArgument = 1
export const keyHeadsArgument = 2
export const headSizeArgument = 3
/** 0 for none. */
export const windowArgument = 4
export const scaleArgument = 5
export const pastLengthArgument = 6
export const pastSharedArgument = 7
export const qArgument = 8
export const kArgument = 9
export const vArgument = 10
export const pastKeysArgument = 11
export const pastValuesArgument = 12
/** [batch, headCount, time]: the logarithm of the sum of each row's exponentials. */
export const logSumsArgument = 13
/** [batch * time, headCount * headSize] */
export const yArgument = 14

/** Keys [first, end) of one sequence and head: its past or its own, and their block that is being worked on. */
let isPast: bool = false
let keyFirst: i32 = 0
export let keyCount: i32 = 0
export let keys: usize = 0
export let values: usize = 0
/** Of the queries of the block, [rowFirst, rowEnd) see some of the keys. */
export let rowFirst: i32 = 0
export let rowEnd: i32 = 0

export function scores(): usize {
  return scratch + productBytes
}

/** Bytes from one position to the next. */
export function queryRow(): usize {
  return (pointer(headsArgument) * pointer(headSizeArgument)) << 2
}

export function keyRow(): usize {
  return (pointer(keyHeadsArgument) * pointer(headSizeArgument)) << 2
}

/** The queries of a head, or what lies like them. */
export function ofQueries(tensor: i32, batch: i32, head: i32, time: i32): usize {
  return pointer(tensor) + ((batch * word(timeArgument) + time) as usize) * queryRow() + ((head * word(headSizeArgument)) as usize << 2)
}

/** Blocks of keys from the first of the past to the last of the sequence. */
export function keyBlocks(): i32 {
  return blocksOf(word(pastLengthArgument)) + blocksOf(word(timeArgument))
}

function blocksOf(length: i32): i32 {
  return (length + blockSize - 1) / blockSize
}

/** Makes a block of keys the current one. @param index - in [0, keyBlocks()) */
export function openKeys(index: i32, batch: i32, head: i32): void {
  const pastBlocks = blocksOf(word(pastLengthArgument))
  isPast = index < pastBlocks
  keyFirst = (isPast ? index : index - pastBlocks) * blockSize
  const length = isPast ? word(pastLengthArgument) : word(timeArgument)
  keyCount = min(blockSize, length - keyFirst)
  const keyHead = head / (word(headsArgument) / word(keyHeadsArgument))
  const sequence = isPast && word(pastSharedArgument) ? 0 : batch
  const offset = ((sequence * length + keyFirst) as usize) * keyRow() + ((keyHead * word(headSizeArgument)) as usize << 2)
  keys = pointer(isPast ? pastKeysArgument : kArgument) + offset
  values = pointer(isPast ? pastValuesArgument : vArgument) + offset
}

/** Position of the first current key, on the scale where a sequence starts at 0. */
// @ts-ignore: decorator
@inline
function keyPosition(): i32 {
  return isPast ? keyFirst - word(pastLengthArgument) : keyFirst
}

// @ts-ignore: decorator
@inline
function windowed(): bool {
  return word(windowArgument) > 0
}

/** Finds which of `count` queries from `time` on see any of the current keys: [rowFirst, rowEnd). */
export function seeKeys(time: i32, count: i32): bool {
  rowFirst = max(0, keyPosition() - time)
  rowEnd = windowed() ? min(count, keyPosition() + keyCount - 1 + word(windowArgument) - time) : count
  return rowFirst < rowEnd
}

/** The first current key that the query at `time` sees. */
export function firstSeen(time: i32): i32 {
  return windowed() ? min(keyCount, max(0, time - word(windowArgument) + 1 - keyPosition())) : 0
}

/** One past the last current key that the query at `time` sees. */
export function endSeen(time: i32): i32 {
  return max(0, min(keyCount, time + 1 - keyPosition()))
}

/** scores[rowFirst..rowEnd, keys] = scale q k^T. @param q - of the block's first query */
export function scoreKeys(q: usize): void {
  product(
    scores() + (rowFirst as usize) * scoreRow, scoreRow,
    q + (rowFirst as usize) * queryRow(), queryRow(), 4,
    keys, 4, keyRow(),
    rowEnd - rowFirst, keyCount, word(headSizeArgument), real(scaleArgument), false, scratch
  )
}

/** Index of the current block's first key in its own tensor, and which tensor that is. */
export function keyIndex(): i32 {
  return keyFirst
}

export function keysArePast(): bool {
  return isPast
}
