/**
 * The number formats of a safetensors file, and the three that we compute with: float32, and the 16-bit ones that are
 * widened to it. Bytes are little-endian in the file, as on every processor that runs this.
 */

export type TensorType = 'F32' | 'F16' | 'BF16'

export const bytesPerValue: Readonly<Record<TensorType, number>> = { F32: 4, F16: 2, BF16: 2 }

/** Every format that a sound file may hold. Source: `Dtype` of the safetensors reference implementation, 0.8. */
const bitsPerValue: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ...['F6_E2M3', 'F6_E3M2'].map(dtype => [dtype, 6] as const),
  ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map(
    dtype => [dtype, 8] as const
  ),
  ...['I16', 'U16', 'F16', 'BF16'].map(dtype => [dtype, 16] as const),
  ...['I32', 'U32', 'F32'].map(dtype => [dtype, 32] as const),
  ...['I64', 'U64', 'F64', 'C64'].map(dtype => [dtype, 64] as const)
])

export function isTensorType(dtype: string): dtype is TensorType {
  return Object.hasOwn(bytesPerValue, dtype)
}

/** @returns undefined for a format that safetensors does not have */
export function bitsOf(dtype: string): number | undefined {
  return bitsPerValue.get(dtype)
}

/**
 * Widens 16-bit floats exactly.
 * @param halves - bit patterns, shape [n]
 * @param out - shape [n]
 */
export function widen(halves: Uint16Array, dtype: 'F16' | 'BF16', out: Float32Array): void {
  if (dtype === 'F16') {
    float16Values ??= Float32Array.from({ length: 65_536 }, (_, bits) => fromFloat16(bits))
    for (let i = 0; i < halves.length; i++) out[i] = float16Values[halves[i]!]!
  } else {
    // bfloat16 is the upper half of a float32.
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length)
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  }
}

/**
 * Rounds float32 to a 16-bit format, to nearest, ties to even.
 * @param values - finite, shape [n]
 * @param out - bit patterns, shape [n]
 * @returns the index of the first value that is too large for the format, or -1; `out` is then not to be used
 */
export function narrow(values: Float32Array, dtype: 'F16' | 'BF16', out: Uint16Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const round = dtype === 'F16' ? toFloat16 : toBfloat16
  const infinity = dtype === 'F16' ? 0x7c00 : 0x7f80
  for (let i = 0; i < bits.length; i++) {
    const half = round(bits[i]!)
    if ((half & 0x7fff) >= infinity) return i
    out[i] = half
  }
  return -1
}

/** @returns the index of the first value that is not a finite number, or -1 */
export function firstNonFinite(values: Float32Array): number {
  // A difference is NaN for both infinities and for NaN: one test for all.
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return i
  return -1
}

/** float32 by float16 pattern, [65536]: made when the first such tensor is read. */
let float16Values: Float32Array | undefined

/** IEEE 754 binary16, exactly. */
function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

const float32Bits = new Uint32Array(1)
const float32Value = new Float32Array(float32Bits.buffer)

function toFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x47800000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Below 2^-14 a half counts multiples of 2^-24. Adding 2^52 leaves a double no room for a fraction.
    float32Bits[0] = magnitude
    return sign | (float32Value[0]! * 2 ** 24 + 2 ** 52 - 2 ** 52)
  }
  // The exponent's bias is 15 instead of 127; 13 bits of the fraction go.
  const rebiased = magnitude - (112 << 23)
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13)
}

function toBfloat16(bits: number): number {
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}
