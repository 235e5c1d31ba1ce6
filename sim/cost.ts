/** What a round costs on the wire, by arithmetic: for models that are not here, and for the way it is done elsewhere. */
import type { RunManifest } from '../protocols/run-manifest.ts'
import { newsBytesOf, stateBytesOf, verificationBytes } from '../protocols/verification-bytes.ts'

const FLOAT32_BYTES = 4

/** A server sends the full model to a client and gets it back, in 32-bit floats. @returns bytes per client and round */
export function fullModelRoundBytes(parameters: number): number {
  return 2 * FLOAT32_BYTES * parameters
}

/** The linear layers of one decoder layer, as [in, out]. */
export interface DecoderShape {
  readonly name: string
  readonly parameters: number
  readonly layers: number
  readonly linears: ReadonlyArray<readonly [number, number]>
}

/** HuggingFaceTB/SmolLM2-135M, from its config.json: 30 layers, width 576, 9 heads, 3 key-value heads, MLP 1536. */
export const smolLm2: DecoderShape = {
  name: 'SmolLM2-135M',
  parameters: 134_515_008,
  layers: 30,
  linears: [
    [576, 576],
    [576, 192],
    [576, 192],
    [576, 576],
    [576, 1536],
    [576, 1536],
    [1536, 576]
  ]
}

/** Elements of the two LoRA factors on all linear layers. */
export function loraElements({ layers, linears }: DecoderShape, rank: number): { a: number; b: number } {
  const a = linears.reduce((sum, [inputs]) => sum + inputs, 0)
  const b = linears.reduce((sum, [, outputs]) => sum + outputs, 0)
  return { a: layers * rank * a, b: layers * rank * b }
}

/**
 * The least that one peer sends and receives, on average, to upload its masked input and to check the sum.
 * @param elements - that a round sums; `adapterElements` are those of the whole adapter
 * @returns bytes per peer and round, both directions together
 */
export function verifiedRoundBytes(
  elements: number,
  adapterElements: number,
  manifest: RunManifest,
  peers: number,
  verifiers: number
): number {
  const { secureSum, serverOptimizer } = manifest
  const bodyBytes = (elements * secureSum.randomK * secureSum.ringBits) / 8
  const stateBytes = stateBytesOf(adapterElements, serverOptimizer.name)
  const newsBytes = newsBytesOf(manifest, bodyBytes, stateBytes)
  return 2 * verificationBytes({ members: peers, verifiers, bodyBytes, newsBytes }).mean
}
