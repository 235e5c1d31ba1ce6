/** A complex vector [n], n a power of two. */
export interface ComplexVector {
  readonly re: Float64Array
  readonly im: Float64Array
}

/**
 * The discrete Fourier transform in place, exponent -2 pi i j k / n, not scaled. The inverse is this with re and im
 * exchanged, before and after, divided by n. Source: Cooley and Tukey 1965, radix 2.
 */
export function fft({ re, im }: ComplexVector): void {
  const n = re.length
  reverseBits(re, im)
  const { cos, sin } = rootsOfUnity(n)
  for (let half = 1; half < n; half *= 2) {
    const stride = n / (2 * half)
    for (let start = 0; start < n; start += 2 * half) {
      for (let i = start, at = 0; i < start + half; i++, at += stride) {
        const [c, s] = [cos[at]!, sin[at]!]
        const j = i + half
        const [x, y] = [re[j]!, im[j]!]
        const [u, v] = [x * c + y * s, y * c - x * s]
        re[j] = re[i]! - u
        im[j] = im[i]! - v
        re[i]! += u
        im[i]! += v
      }
    }
  }
}

/**
 * The r-fold circular convolution of a real vector with itself, [n], n a power of two.
 * @param power - r >= 1
 */
export function selfConvolve(values: Float64Array, power: number): Float64Array {
  const n = values.length
  const re = values.slice()
  const im = new Float64Array(n)
  fft({ re, im })
  for (let i = 0; i < n; i++) [re[i], im[i]] = complexPower(re[i]!, im[i]!, power)
  fft({ re: im, im: re })
  for (let i = 0; i < n; i++) re[i]! /= n
  return re
}

/** By squaring: a power in polar form would need functions that engines round differently. */
function complexPower(re: number, im: number, power: number): [number, number] {
  let [x, y] = [1, 0]
  let [a, b] = [re, im]
  for (let rest = power; ; ) {
    if (rest % 2 === 1) [x, y] = [x * a - y * b, x * b + y * a]
    rest = Math.floor(rest / 2)
    if (rest === 0) return [x, y]
    ;[a, b] = [a * a - b * b, 2 * a * b]
  }
}

/** cos and sin of 2 pi k / n for k < n / 2, by halving angles: every entry is a product of at most log2 n others. */
function rootsOfUnity(n: number): { cos: Float64Array; sin: Float64Array } {
  const cos = new Float64Array(Math.max(1, n / 2))
  const sin = new Float64Array(cos.length)
  cos[0] = 1
  // Angles pi / 2, pi / 4, ...: each fills the odd multiples of itself from the even ones.
  let [c, s] = [0, 1]
  for (let step = n / 4; step >= 1; step /= 2) {
    for (let k = step; k < n / 2; k += 2 * step) {
      const [a, b] = [cos[k - step]!, sin[k - step]!]
      cos[k] = a * c - b * s
      sin[k] = a * s + b * c
    }
    // sin(x / 2) as sin x / (2 cos(x / 2)): no difference of almost equal numbers.
    const half = Math.sqrt((1 + c) / 2)
    s /= 2 * half
    c = half
  }
  return { cos, sin }
}

function reverseBits(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i >= j) continue
    ;[re[i], re[j]] = [re[j]!, re[i]!]
    ;[im[i], im[j]] = [im[j]!, im[i]!]
  }
}
