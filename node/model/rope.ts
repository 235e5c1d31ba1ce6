/** Cosines and sines of the rotary angles, [positions, headSize / 2] each. */
export interface RotaryTable {
  readonly cos: Float32Array
  readonly sin: Float32Array
  readonly half: number
}

/**
 * Rotary positions: pair i of a head (elements i and i + headSize / 2, as Hugging Face pairs them) at position t turns by
 * t theta^(-2i / headSize). Source: Su et al. 2021, arXiv:2104.09864.
 */
export function rotaryTable(positions: number, headSize: number, theta: number): RotaryTable {
  const half = headSize / 2
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  for (let i = 0; i < half; i++) {
    const frequency = theta ** ((-2 * i) / headSize)
    for (let t = 0; t < positions; t++) {
      cos[t * half + i] = Math.cos(t * frequency)
      sin[t * half + i] = Math.sin(t * frequency)
    }
  }
  return { cos, sin, half }
}
