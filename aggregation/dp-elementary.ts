/**
 * exp, log and the tail of the normal distribution in `+ - * /` and sqrt alone. The privacy that a run has spent is
 * part of what all members sign, and the engines' own Math.exp and Math.log may differ in the last bit.
 */

/** ln 2 in two parts: k * LN2_HIGH is exact for |k| < 2^21. Source: fdlibm, e_log.c. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** ln(2 pi) / 2. */
const LOG_SQRT_2PI = 0.9189385332046728

const view = new DataView(new ArrayBuffer(8))

/**
 * e^x, to one unit in the last place. Source: fdlibm, e_exp.c (reduction by ln 2, a rational approximation).
 * @returns 0 below -745.2, Infinity above 709.8
 */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY
  if (x < -745.1332191019412) return 0
  const k = Math.floor(Math.LOG2E * x + 0.5)
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const square = r * r
  const c =
    r -
    square *
      (0.16666666666666602 +
        square *
          (-0.0027777777777015593 +
            square *
              (0.00006613756321437934 +
                square * (-0.0000016533902205465252 + square * 4.1381367970572385e-8))))
  return scaleByPowerOfTwo(1 - (low - (r * c) / (2 - c) - high), k)
}

/** ln x, to one unit in the last place. Source: fdlibm, e_log.c. @returns NaN below 0, -Infinity at 0 */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN
  if (x === 0) return Number.NEGATIVE_INFINITY
  if (x === Number.POSITIVE_INFINITY) return x
  let k = 0
  let scaled = x
  if (x < 2.2250738585072014e-308) {
    k = -54
    scaled = x * 18014398509481984
  }
  view.setFloat64(0, scaled)
  k += (view.getUint16(0) >>> 4) - 1023
  view.setUint16(0, (view.getUint16(0) & 15) | (1023 << 4))
  let mantissa = view.getFloat64(0)
  if (mantissa > Math.SQRT2) {
    mantissa /= 2
    k++
  }
  const f = mantissa - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
  const half = 0.5 * f * f
  return k * LN2_HIGH - (half - (s * (half + even + odd) + k * LN2_LOW) - f)
}

/** ln(1 + x), exact to a few units also where x is tiny. Source: Kahan; Goldberg 1991, theorem 4. */
export function log1p(x: number): number {
  const u = 1 + x
  if (u === 1) return x
  return u === Number.POSITIVE_INFINITY ? u : (log(u) * x) / (u - 1)
}

/** e^x - 1, exact to a few units also where x is tiny. Source: Kahan; Higham 2002, section 1.14.1. */
export function expm1(x: number): number {
  const u = exp(x)
  if (u === 1) return x
  if (u === Number.POSITIVE_INFINITY || u < 1e-17) return u - 1
  return ((u - 1) * x) / log(u)
}

/** ln(e^a + e^b) without overflow. -Infinity stands for a zero. */
export function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a]
  if (low === Number.NEGATIVE_INFINITY || high === Number.POSITIVE_INFINITY) return high
  return high + log1p(exp(low - high))
}

/**
 * ln P(Z > z) of the standard normal distribution, relative error of P about 1e-13 for every z. Laplace's continued
 * fraction outside, the series of the integral inside. Source: Abramowitz and Stegun 1964, 26.2.11 and 26.2.14.
 */
export function logNormalTail(z: number): number {
  if (z === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY
  if (z < 0) return log1p(-exp(logNormalTail(-z)))
  const logDensity = -0.5 * z * z - LOG_SQRT_2PI
  if (z > 2.5) {
    let fraction = z
    // The fraction's error falls as e^(-2 z sqrt(2 k)).
    for (let k = Math.ceil(10 + 250 / (z * z)); k >= 1; k--) fraction = z + k / fraction
    return logDensity - log(fraction)
  }
  let term = z
  let sum = z
  for (let k = 1; term > 1e-18 * sum; k++) {
    term *= (z * z) / (2 * k + 1)
    sum += term
  }
  return log(0.5 - exp(logDensity) * sum)
}

/** P(Z > z) of the standard normal distribution. */
export function normalTail(z: number): number {
  return exp(logNormalTail(z))
}

/** x 2^k for x in [0.5, 2], exact unless the result is subnormal. */
function scaleByPowerOfTwo(x: number, k: number): number {
  if (k >= -1021 && k <= 1023) return x * powerOfTwo(k)
  return k > 1023 ? x * powerOfTwo(1023) * powerOfTwo(k - 1023) : x * powerOfTwo(k + 1000) * powerOfTwo(-1000)
}

/** 2^k, -1022..1023, by its bits. */
function powerOfTwo(k: number): number {
  view.setUint32(0, (k + 1023) << 20)
  view.setUint32(4, 0)
  return view.getFloat64(0)
}
