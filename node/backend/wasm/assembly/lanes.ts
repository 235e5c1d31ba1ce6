// Four floats at a time: what several kernels are made of.

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x)
}

/** sum + a b, rounded once where the engine has relaxed SIMD and the processor a fused multiply-add. */
// @ts-ignore: decorator
@inline
export function madd(sum: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum)
  return f32x4.add(sum, f32x4.mul(a, b))
}

/** The sum of the lanes, always in the same order. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  const pairs = f32x4.add(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

/** All ones in the first `count` lanes, 0 in the others. @param count - 0..4 */
// @ts-ignore: decorator
@inline
export function firstLanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
}

/** Stores the first `count` lanes. @param count - 1..3 */
// @ts-ignore: decorator
@inline
export function storeFirst(at: usize, x: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(x, 0))
  if (count > 1) store<f32>(at, f32x4.extract_lane(x, 1), 4)
  if (count > 2) store<f32>(at, f32x4.extract_lane(x, 2), 8)
}

/** Bytes of a row that are whole vectors. */
// @ts-ignore: decorator
@inline
export function wholeBytes(columns: i32): usize {
  return ((columns & ~3) as usize) << 2
}

/** The last elements of a row, 0 behind them. Rows may be read past their end: tensors are padded. */
// @ts-ignore: decorator
@inline
export function lastOf(at: usize, columns: i32): v128 {
  return v128.and(v128.load(at), firstLanes(columns & 3))
}

/** The sum of the products of two rows, element by element. */
export function dot(x: usize, y: usize, columns: i32): f32 {
  const whole = wholeBytes(columns)
  let even = splat(0), odd = splat(0)
  let i: usize = 0
  for (; i + 32 <= whole; i += 32) {
    even = madd(even, v128.load(x + i), v128.load(y + i))
    odd = madd(odd, v128.load(x + i, 16), v128.load(y + i, 16))
  }
  if (i < whole) even = madd(even, v128.load(x + whole - 16), v128.load(y + whole - 16))
  if (columns & 3) odd = madd(odd, lastOf(x + whole, columns), lastOf(y + whole, columns))
  return sumLanes(f32x4.add(even, odd))
}

/**
 * Constants of `exp`, read from memory: a constant vector in the code takes the engine three or four instructions, each
 * time that it is used.
 */
const expData = memory.data<f32>([
  -87, 88.3762626647949, 12582912, 1.44269504088896341, -0.693359375, 2.12194440e-4, 1.9875691500e-4, 1.3981999507e-3,
  8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1
])

// @ts-ignore: decorator
@inline
function datum(i: i32): v128 {
  return v128.load32_splat(expData + (i << 2))
}

// @ts-ignore: decorator
@inline
export function one(): v128 {
  return datum(12)
}

/**
 * e^x to about 1e-7 relative: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] (Cephes, expf). Exactly 0 below -87, and
 * e^88.37 above it.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const low = datum(0)
  const inside = f32x4.pmin(f32x4.pmax(x, low), datum(1))
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the mantissa.
  const magic = datum(2)
  const shifted = madd(magic, inside, datum(3))
  const n = f32x4.sub(shifted, magic)
  // ln 2 in two parts: n times the first is exact.
  const r = madd(madd(inside, n, datum(4)), n, datum(5))
  let p = madd(datum(7), datum(6), r)
  p = madd(datum(8), p, r)
  p = madd(datum(9), p, r)
  p = madd(datum(10), p, r)
  p = madd(datum(11), p, r)
  const y = f32x4.add(madd(r, p, f32x4.mul(r, r)), one())
  // The bits of 1 are those of 2^0: adding n to their exponent makes 2^n.
  const power = i32x4.add(one(), i32x4.shl(shifted, 23))
  return v128.andnot(f32x4.mul(y, power), f32x4.lt(x, low))
}

/** 1 / (1 + e^-x), by way of e^-|x|, which cannot overflow. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)))
  return f32x4.div(v128.bitselect(e, one(), f32x4.lt(x, i32x4.splat(0))), f32x4.add(one(), e))
}

/** Natural logarithm to about 1e-15. @param x - positive and not subnormal; infinity and NaN are returned */
export function log(x: f64): f64 {
  if (!(x < Infinity)) return x
  const bits = reinterpret<i64>(x)
  let exponent = ((bits >> 52) & 0x7ff) - 1023
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000)
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5
    exponent += 1
  }
  // 2 artanh(s): |s| <= 0.1716, so that 11 terms do.
  const s = (mantissa - 1) / (mantissa + 1)
  const square = s * s
  let sum: f64 = 0
  for (let i = 21; i >= 1; i -= 2) sum = sum * square + 1 / (i as f64)
  return (exponent as f64) * 0.6931471805599453 + 2 * s * sum
}
