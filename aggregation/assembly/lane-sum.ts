// Adds packed lanes modulo 2^16, 2^20 or 2^32, a piece of at most 64 KiB at a time. ../lane-sum.ts says where what lies in
// the memory; a compiled copy is committed as ../lane-sum.wasm (`npm run kernels`).
//
// Every loop goes on to the next whole vector: what it does behind the end of a piece is never read.

/** The sum of the piece, whole lanes of 16 or 32 bits; of 20 bits: see add20. */
const sum: usize = 1024

/** What is added. */
const source: usize = sum + 106496

export const sumAt: i32 = sum as i32
export const sourceAt: i32 = source as i32

export function add16(bytes: i32): void {
  for (let at: usize = 0; at < (bytes as usize); at += 64) {
    put(at, i16x8.add(sumOf(at), sourceOf(at)))
    put(at + 16, i16x8.add(sumOf(at + 16), sourceOf(at + 16)))
    put(at + 32, i16x8.add(sumOf(at + 32), sourceOf(at + 32)))
    put(at + 48, i16x8.add(sumOf(at + 48), sourceOf(at + 48)))
  }
}

export function subtract16(bytes: i32): void {
  for (let at: usize = 0; at < (bytes as usize); at += 64) {
    put(at, i16x8.sub(sumOf(at), sourceOf(at)))
    put(at + 16, i16x8.sub(sumOf(at + 16), sourceOf(at + 16)))
    put(at + 32, i16x8.sub(sumOf(at + 32), sourceOf(at + 32)))
    put(at + 48, i16x8.sub(sumOf(at + 48), sourceOf(at + 48)))
  }
}

export function add32(bytes: i32): void {
  for (let at: usize = 0; at < (bytes as usize); at += 64) {
    put(at, i32x4.add(sumOf(at), sourceOf(at)))
    put(at + 16, i32x4.add(sumOf(at + 16), sourceOf(at + 16)))
    put(at + 32, i32x4.add(sumOf(at + 32), sourceOf(at + 32)))
    put(at + 48, i32x4.add(sumOf(at + 48), sourceOf(at + 48)))
  }
}

export function subtract32(bytes: i32): void {
  for (let at: usize = 0; at < (bytes as usize); at += 64) {
    put(at, i32x4.sub(sumOf(at), sourceOf(at)))
    put(at + 16, i32x4.sub(sumOf(at + 16), sourceOf(at + 16)))
    put(at + 32, i32x4.sub(sumOf(at + 32), sourceOf(at + 32)))
    put(at + 48, i32x4.sub(sumOf(at + 48), sourceOf(at + 48)))
  }
}

/**
 * Eight lanes are 20 bytes. Their sums are 32 bits wide, of which the low 20 count: 2^20 divides 2^32, so whatever the
 * neighbours leave in the upper bits never comes down. The four even lanes lie before the four odd ones.
 */
export function add20(bytes: i32): void {
  let at: usize = 0
  for (let from: usize = 0; from < (bytes as usize); from += 20) {
    put(at, i32x4.add(sumOf(at), even(from)))
    put(at + 16, i32x4.add(sumOf(at + 16), odd(from)))
    at += 32
  }
}

export function subtract20(bytes: i32): void {
  let at: usize = 0
  for (let from: usize = 0; from < (bytes as usize); from += 20) {
    put(at, i32x4.sub(sumOf(at), even(from)))
    put(at + 16, i32x4.sub(sumOf(at + 16), odd(from)))
    at += 32
  }
}

/** The sums of 20 bits as they travel, where the source was. */
export function pack20(bytes: i32): void {
  let at: usize = sum
  for (let to: usize = 0; to < (bytes as usize); to += 20) {
    for (let pair: usize = 0; pair < 4; pair++) {
      const low = load<u32>(at + (pair << 2)) & 0xfffff
      const high = load<u32>(at + (pair << 2), 16) & 0xfffff
      // Eight bytes of which five stay: the next pair overwrites the rest.
      store<u64>(source + to + 5 * pair, (low as u64) | ((high as u64) << 20))
    }
    at += 32
  }
}

/** Before the sums of 20 bits, and so that no secret stays. */
export function clear(): void {
  memory.fill(sum, 0, source + 65536 + 64 - sum)
}

// @ts-ignore: decorator
@inline
function sumOf(at: usize): v128 {
  return v128.load(sum + at)
}

// @ts-ignore: decorator
@inline
function sourceOf(at: usize): v128 {
  return v128.load(source + at)
}

// @ts-ignore: decorator
@inline
function put(at: usize, x: v128): void {
  v128.store(sum + at, x)
}

/** Bytes 0, 5, 10, 15 and the three behind each. */
// @ts-ignore: decorator
@inline
function even(at: usize): v128 {
  const first = v128.load(source + at), last = v128.load(source + at, 4)
  return v128.shuffle<u8>(first, last, 0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 28, 29, 30)
}

/** Bytes 2, 7, 12, 17 and the three behind each (the last has two), without the four bits of the even lane. */
// @ts-ignore: decorator
@inline
function odd(at: usize): v128 {
  const first = v128.load(source + at), last = v128.load(source + at, 4)
  const straddling = v128.shuffle<u8>(first, last, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15, 29, 30, 31, 31)
  return i32x4.shr_u(straddling, 4)
}
