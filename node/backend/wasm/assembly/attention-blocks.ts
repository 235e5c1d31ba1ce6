// What attention and its gradient share: which keys a block of queries sees, and the scores of a block.
//
// Queries and keys are taken 64 by 64, so no matrix of all scores is ever kept. Dao et al. 2022, arXiv:2205.14135.
// Inside a block, rows are taken in strips, and of each strip only as many keys as its last row sees.

import { attentionBlock } from '../kernel-control.ts'
import { pointer, scratch, word } from './arguments.ts'
import { packColumns, packRows } from './pack.ts'
import { spareBytes, tiles } from './product.ts'

/** Queries, and keys, of a block. */
export const blockSize: i32 = attentionBlock
/** Queries, or keys, of a strip: two tiles. */
export const stripRows: i32 = 12
/** Bytes from one row of a block of scores to the next. */
export const scoreRow: usize = (attentionBlock as usize) << 2
/** Bytes of a block of scores. */
const scoreBytes: usize = scoreRow * (attentionBlock as usize)

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

/** The current block of keys: of the past, or of the sequence itself. */
let isPast: bool = false
let keyFirst: i32 = 0
export let keyCount: i32 = 0
let keys: usize = 0
let values: usize = 0
/** Of the queries of the current block, [rowFirst, rowEnd) see some of the current keys. */
export let rowFirst: i32 = 0
export let rowEnd: i32 = 0

// Scratch memory: what `tiles` needs, four packed matrices of 64 positions of a head, blocks of scores.

/** @param index - 0..3 */
export function packed(index: i32): usize {
  return scratch + spareBytes + (index as usize) * packedBytes()
}

// @ts-ignore: decorator
@inline
function packedBytes(): usize {
  return (((word(headSizeArgument) + 7) & ~7) as usize) * scoreRow
}

/** Blocks of scores, and what comes behind the last one. */
export function scores(index: i32): usize {
  return packed(4) + (index as usize) * scoreBytes
}

/** Bytes from one position to the next. */
export function queryRow(): usize {
  return (pointer(headsArgument) * pointer(headSizeArgument)) << 2
}

function keyRow(): usize {
  return (pointer(keyHeadsArgument) * pointer(headSizeArgument)) << 2
}

/** The queries of a head, or what lies like them. */
export function ofQueries(tensor: i32, batch: i32, head: i32, time: i32): usize {
  const row = (batch * word(timeArgument) + time) as usize
  return pointer(tensor) + row * queryRow() + ((head * word(headSizeArgument)) as usize << 2)
}

/** Blocks of keys, from the first of the past to the last of the sequence. */
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

/** Finds which of `count` queries from `time` on see any of the current keys: [rowFirst, rowEnd). */
export function seeKeys(time: i32, count: i32): bool {
  const window = word(windowArgument)
  rowFirst = max(0, keyPosition() - time)
  rowEnd = window > 0 ? min(count, keyPosition() + keyCount - 1 + window - time) : count
  return rowFirst < rowEnd
}

/** The first current key that the query at `time` sees. */
export function firstSeen(time: i32): i32 {
  const window = word(windowArgument)
  return window > 0 ? min(keyCount, max(0, time - window + 1 - keyPosition())) : 0
}

/** One past the last current key that the query at `time` sees. */
export function endSeen(time: i32): i32 {
  return max(0, min(keyCount, time + 1 - keyPosition()))
}

/** The first of the queries from `time` on that sees the current key `index`. */
export function firstSeeing(time: i32, index: i32): i32 {
  return max(0, keyPosition() + index - time)
}

export function packKeys(to: usize): void {
  packRows(to, keys, keyRow(), keyCount, word(headSizeArgument))
}

export function packValues(to: usize): void {
  packRows(to, values, keyRow(), keyCount, word(headSizeArgument))
}

export function packKeysTransposed(to: usize): void {
  packColumns(to, keys, keyRow(), word(headSizeArgument), keyCount)
}

export function packValuesTransposed(to: usize): void {
  packColumns(to, values, keyRow(), word(headSizeArgument), keyCount)
}

/**
 * Products of `rows` rows of a head with the first `count` current keys or values, transposed and packed.
 * @param to - rows of scores; up to 7 columns more are written
 */
export function timesTransposed(to: usize, left: usize, right: usize, rows: i32, count: i32, scale: f32): void {
  const size = word(headSizeArgument)
  tiles(to, scoreRow, left, queryRow(), 4, right, 32, (size as usize) << 5, rows, (count + 7) & ~7, size, scale, false, scratch)
}

/** Adds to `rows` rows of a head their first `count` scores times the current keys or values, packed. */
export function addWeighted(to: usize, left: usize, right: usize, rows: i32, count: i32): void {
  const size = word(headSizeArgument)
  tiles(to, queryRow(), left, scoreRow, 4, right, 32, (keyCount as usize) << 5, rows, size, count, 1, true, scratch)
}

/** Index of the first current key in its own tensor. */
export function keyIndex(): i32 {
  return keyFirst
}

export function keysArePast(): bool {
  return isPast
}
