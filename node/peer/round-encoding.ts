/**
 * What every member derives alike from manifest, base and layout before it says a word: how the inputs of a round
 * become lanes, and the fixed points of the run that the chain is checked against.
 */
import { type AdapterLayout, layoutText, spansOf } from '../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { coordinateBoundOf, encodingText, type RoundEncoding } from '../../aggregation/encoding.ts'
import { privateEncodingText } from '../../aggregation/private-input.ts'
import { keptCoordinates, keptCount } from '../../aggregation/random-k.ts'
import { encodeState } from '../../aggregation/replicated-state.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'
import { type RunManifest, runId } from '../../protocols/run-manifest.ts'
import { PeerError } from './errors.ts'
import { initialStateOf, mechanismsOf, privateEncodingOf } from './private-round.ts'

/** The mean training loss of each peer travels inside the sum. */
const METRIC_LIMBS = 1

/**
 * The encoding of one round of a run without noise. The rotation's seed is public: it spreads a delta's energy and hides nothing.
 * @param run - a RunContext, or as much of it
 * @param cohortSize - n, of the cohort that the chain fixed
 * @param completedRounds - rounds that changed the adapter so far: it decides which factors are summed
 * @throws AggregationError BAD_SETTING for an unknown strategy
 */
export function roundEncodingOf(
  run: Pick<RunContext, 'id' | 'manifest'>,
  layout: AdapterLayout,
  cohortSize: number,
  completedRounds: number
): RoundEncoding {
  const { ringBits, clipNorm, maxWeight, randomK } = run.manifest.secureSum
  const dimension = keptCount(randomK, summedDimension(run, layout, completedRounds))
  return {
    ringBits,
    participants: cohortSize,
    dimension,
    coordinateBound: coordinateBoundOf(clipNorm, dimension, true),
    maxWeight,
    metricLimbs: METRIC_LIMBS,
    rotationSeed: `${toHex(run.id)} ${completedRounds}`
  }
}

/**
 * The coordinates of a round under random-k, [k] of d, or null if it sums all of them. Public, as the rotation's seed is.
 * @throws AggregationError BAD_SETTING for an unknown strategy
 */
export function keptOf(
  run: Pick<RunContext, 'id' | 'manifest'>,
  layout: AdapterLayout,
  completedRounds: number
): Uint32Array | null {
  const { randomK } = run.manifest.secureSum
  if (randomK === 1) return null
  const dimension = summedDimension(run, layout, completedRounds)
  return keptCoordinates(selectionSeed(run.id, completedRounds), dimension, keptCount(randomK, dimension))
}

/** d, coordinates of the factors that are trained after so many rounds. */
export function summedDimension(
  { manifest }: Pick<RunContext, 'manifest'>,
  layout: AdapterLayout,
  completedRounds: number
): number {
  const factors = strategyByName(manifest.strategy).factorsOf(completedRounds)
  return spansOf(layout, factors).reduce((sum, { length }) => sum + length, 0)
}

/** One more line of the encoding's text; none without random-k, as before there was one. */
function selectionText(
  run: Pick<RunContext, 'id' | 'manifest'>,
  layout: AdapterLayout,
  completedRounds: number
): string {
  if (run.manifest.secureSum.randomK === 1) return ''
  const dimension = summedDimension(run, layout, completedRounds)
  return `randomK ${dimension} ${JSON.stringify(selectionSeed(run.id, completedRounds))}\n`
}

function selectionSeed(run: Uint8Array, completedRounds: number): string {
  return `random-k ${toHex(run)} ${completedRounds}`
}

/**
 * The fixed points of a run.
 * @param baseModelSha256 - of the base that this peer has, 64 hexadecimal digits
 * @param initialAdapter - shape [layout.length], made from the manifest's seed
 * @throws PeerError OTHER_BASE_MODEL naming both digests, NOISE_DOES_NOT_FIT; AggregationError NON_FINITE
 */
export function createRunContext(
  manifest: RunManifest,
  baseModelSha256: string,
  layout: AdapterLayout,
  initialAdapter: Float32Array,
  crypto: Pick<CryptoSuite, 'sha256'>
): RunContext {
  const baseModel = fromHex(baseModelSha256)
  if (baseModel === null || baseModelSha256 !== manifest.model.sha256) {
    throw new PeerError(
      'OTHER_BASE_MODEL',
      { ours: baseModelSha256, wanted: manifest.model.sha256 },
      `model.sha256: the run "${manifest.name}" trains on the base model with SHA-256 ${manifest.model.sha256} ` +
        `(${manifest.model.source}, revision ${manifest.model.revision}), but the model given here has ` +
        `${baseModelSha256}. Give --model the folder of exactly that model, or ask the author of the run`
    )
  }
  const id = runId(manifest, crypto.sha256)
  const initial = encodeState(initialStateOf(manifest, initialAdapter))
  const layoutLines = layoutText(layout)
  const hashes = new Map<string, Uint8Array>()
  return {
    id,
    manifest,
    baseModel,
    mechanismOf: mechanismsOf(manifest, layout),
    initialStateHash: addressOf(chunkHashes(initial, crypto), crypto),
    encodingHashOf(cohortSize, completedRounds) {
      const key = `${cohortSize} ${completedRounds}`
      const known = hashes.get(key)
      if (known !== undefined) return known
      const ofPrivate = privateEncodingOf({ id, manifest }, layout, cohortSize, completedRounds)
      const text =
        ofPrivate === null
          ? encodingText(roundEncodingOf({ id, manifest }, layout, cohortSize, completedRounds)) +
            selectionText({ id, manifest }, layout, completedRounds)
          : privateEncodingText(ofPrivate)
      const hash = crypto.sha256(lengthPrefixed('fedpeft/1 encoding', layoutLines, text))
      hashes.set(key, hash)
      return hash
    }
  }
}
