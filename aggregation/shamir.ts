import { AggregationError } from './errors.ts'

/** One share of a secret: the polynomial's value y [secret length] at the public, non-zero point x. */
export interface ShamirShare {
  readonly x: number
  readonly y: Uint8Array
}

/**
 * Splits a secret into n shares, any t of which recover it and fewer of which say nothing. Every byte has its own
 * polynomial over GF(256) modulo x^8 + x^4 + x^3 + x + 1 with uniform coefficients. Source: Shamir 1979.
 *
 * The points x are public, so control flow may follow them; secrets pass only through shifts, masks and xor, four
 * bytes at a time, with no table and no branch that depends on them.
 * @param secret - any length >= 1
 * @param randomBytes - called once, for (t - 1) * length bytes, which are erased at the end
 * @returns n arrays [secret length]; element i is the share at x = i + 1
 * @throws AggregationError BAD_THRESHOLD outside 1 <= t <= n <= 255; BAD_SETTING if the secret is empty;
 * LENGTH_MISMATCH if `randomBytes` gives another length than asked
 */
export function splitSecret(
  secret: Uint8Array,
  shares: number,
  threshold: number,
  randomBytes: (length: number) => Uint8Array
): Uint8Array[] {
  checkThreshold(threshold, shares)
  if (secret.length === 0) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'secret',
      got: 'no bytes',
      expected: 'at least one byte'
    })
  }
  const wanted = (threshold - 1) * secret.length
  const random = randomBytes(wanted)
  // Missing bytes would read as zero coefficients: every share would then be the secret.
  if (random.length !== wanted) {
    throw new AggregationError('LENGTH_MISMATCH', { expected: wanted, got: random.length })
  }
  // From the constant term (the secret itself) to the highest; a highest coefficient of zero is as likely as any.
  const coefficients = [pack(secret)]
  for (let k = 0; k < threshold - 1; k++) {
    coefficients.push(pack(random.subarray(k * secret.length, (k + 1) * secret.length)))
  }
  const split = Array.from({ length: shares }, (_, i) => {
    const value = new Uint32Array(coefficients[0]!.length)
    for (let k = threshold - 1; k >= 0; k--) {
      const coefficient = coefficients[k]!
      for (let w = 0; w < value.length; w++) value[w] = multiplyWord(value[w]!, i + 1) ^ coefficient[w]!
    }
    return unpack(value, secret.length)
  })
  // With one share more, the polynomials say the secret; the first of them says it by itself.
  for (const words of [...coefficients, random]) words.fill(0)
  return split
}

/**
 * Recovers a secret from shares by Lagrange interpolation at zero. The first `threshold` shares are used; whether a
 * share is genuine is not known here (callers check hashes of shares, and the result against a commitment).
 * @returns the secret [length of y]
 * @throws AggregationError TOO_FEW below `threshold` shares; BAD_SHARE on a duplicate or zero x or unequal lengths;
 * BAD_THRESHOLD outside 1 <= t <= 255
 */
export function recoverSecret(shares: readonly ShamirShare[], threshold: number): Uint8Array {
  checkThreshold(threshold, 255)
  if (shares.length < threshold) {
    throw new AggregationError('TOO_FEW', { needed: threshold, got: shares.length })
  }
  checkShares(shares)
  const used = shares.slice(0, threshold)
  const weights = lagrangeAtZero(used.map(share => share.x))
  const length = used[0]!.y.length
  const secret = new Uint32Array(Math.ceil(length / 4))
  used.forEach(({ y }, i) => {
    const words = pack(y)
    for (let w = 0; w < secret.length; w++) secret[w] = secret[w]! ^ multiplyWord(words[w]!, weights[i]!)
  })
  return unpack(secret, length)
}

/** The weight of each point in the value at zero: product over j of x_j / (x_i - x_j). All public. */
function lagrangeAtZero(xs: readonly number[]): number[] {
  return xs.map((x, i) => {
    let above = 1
    let below = 1
    xs.forEach((other, j) => {
      if (i === j) return
      above = multiplyWord(above, other)
      below = multiplyWord(below, x ^ other)
    })
    return multiplyWord(above, inverse(below))
  })
}

/** a^254 = a^(2 + 4 + ... + 128), which is 1 / a in GF(256). Of public values only. */
function inverse(a: number): number {
  let power = 1
  let square = a
  for (let i = 1; i < 8; i++) {
    square = multiplyWord(square, square)
    power = multiplyWord(power, square)
  }
  return power
}

/**
 * Four bytes at once, each times the public `factor` in GF(256). Only `factor` decides what is executed: never swap
 * the arguments.
 */
function multiplyWord(word: number, factor: number): number {
  let product = 0
  let doubled = word
  for (let bits = factor; bits !== 0; bits >>>= 1) {
    if ((bits & 1) === 1) product ^= doubled
    const carries = (doubled >>> 7) & 0x01010101
    doubled = ((doubled & 0x7f7f7f7f) << 1) ^ Math.imul(carries, 0x1b)
  }
  return product >>> 0
}

/** Bytes as 32-bit words, padded with zeros. Independent of the machine's byte order, as only whole bytes matter. */
function pack(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes.length / 4))
  new Uint8Array(words.buffer).set(bytes)
  return words
}

function unpack(words: Uint32Array, length: number): Uint8Array {
  return new Uint8Array(words.buffer).slice(0, length)
}

function checkThreshold(threshold: number, shares: number): void {
  const whole = Number.isInteger(threshold) && Number.isInteger(shares)
  if (!whole || threshold < 1 || threshold > shares || shares > 255) {
    throw new AggregationError('BAD_THRESHOLD', { threshold, shares })
  }
}

function checkShares(shares: readonly ShamirShare[]): void {
  const seen = new Set<number>()
  for (const { x, y } of shares) {
    if (!Number.isInteger(x) || x < 1 || x > 255)
      throw new AggregationError('BAD_SHARE', { reason: 'x outside 1..255', x })
    if (seen.has(x)) throw new AggregationError('BAD_SHARE', { reason: 'two shares at one x', x })
    if (y.length === 0 || y.length !== shares[0]!.y.length) {
      const reason = 'unequal or empty lengths'
      throw new AggregationError('BAD_SHARE', { reason, expected: shares[0]!.y.length, got: y.length })
    }
    seen.add(x)
  }
}
