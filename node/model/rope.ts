import type { RotarySettings } from './model-config.ts'

/**
 * Radians that each pair of a head turns per position, [headSize / 2]: theta^(-2i / headSize), stretched as the settings
 * say. Sources: Su et al. 2021, arXiv:2104.09864; Llama 3.1's stretching as Hugging Face computes it.
 */
export function rotaryFrequencies(headSize: number, { theta, scaling }: RotarySettings): Float64Array {
  const frequencies = Float64Array.from({ length: headSize / 2 }, (_, i) => theta ** ((-2 * i) / headSize))
  switch (scaling.kind) {
    case 'none':
      return frequencies
    case 'linear':
      return frequencies.map(frequency => frequency / scaling.factor)
    case 'llama3': {
      const { factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositions } = scaling
      return frequencies.map(frequency => {
        const turns = (originalMaxPositions * frequency) / (2 * Math.PI)
        const kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
        const share = Math.min(1, Math.max(0, kept))
        return (1 - share) * (frequency / factor) + share * frequency
      })
    }
  }
}

/** Cosines and sines for `time` positions from `first` on, [time, headSize / 2] each. */
export function rotaryTable(
  frequencies: Float64Array,
  first: number,
  time: number
): { cos: Float32Array; sin: Float32Array } {
  const half = frequencies.length
  const cos = new Float32Array(time * half)
  const sin = new Float32Array(time * half)
  for (let t = 0; t < time; t++) {
    for (let i = 0; i < half; i++) {
      const angle = (first + t) * frequencies[i]!
      cos[t * half + i] = Math.cos(angle)
      sin[t * half + i] = Math.sin(angle)
    }
  }
  return { cos, sin }
}
