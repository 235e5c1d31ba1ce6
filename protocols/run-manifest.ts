/**
 * The run manifest: what a person writes once and everyone who takes part agrees on. A file may leave fields out;
 * a RunManifest never does, so that its canonical encoding, and with it the run id, says everything.
 */
import type { z } from 'zod'
import { lengthPrefixed, utf8Bytes } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { canonicalJson } from './canonical-json.ts'
import { didYouMean } from './did-you-mean.ts'
import { ProtocolError } from './errors.ts'
import { COHORT_MAX, COHORT_MIN, COHORT_MIN_FORCED } from './limits.ts'
import { manifestPaths, manifestSchema } from './manifest-schema.ts'
import {
  asWrittenIn,
  isNewer,
  laterFields,
  MANIFEST_VERSION,
  UPGRADE_COMMAND,
  versionFault,
  withFormerDefaults
} from './manifest-version.ts'
import type { PeerId } from './ports.ts'
import { faultsOf, leastFor, quorumOf } from './quorum.ts'

/** The adapter that a run trains. `seed`: of what every peer starts from. */
export type AdapterManifest =
  | {
      readonly kind: 'lora'
      readonly rank: number
      readonly alpha: number
      /** Scale alpha / sqrt(rank) instead of alpha / rank. */
      readonly rankStabilized: boolean
      readonly targetModules: 'all-linear' | readonly string[]
      readonly dropout: number
      readonly seed: number
    }
  | {
      readonly kind: 'bottleneck'
      readonly placement: 'houlsby' | 'pfeiffer'
      readonly reductionFactor: number
      readonly activation: 'relu' | 'gelu' | 'gelu-tanh' | 'silu'
      readonly seed: number
    }
  | { readonly kind: 'prefix'; readonly virtualTokens: number; readonly seed: number }

export interface RunManifest {
  readonly formatVersion: string
  readonly name: string
  /** Whose key signs the manifest and the founding list. */
  readonly author: PeerId
  readonly model: {
    /** `embedded`, the path of a folder in Hugging Face layout, or `owner/name` of the Hugging Face Hub. */
    readonly source: string
    /** Of the Hub: the commit, so that everyone fetches the same. */
    readonly revision: string
    /** SHA-256 of the base (hexadecimal): what two peers compare before they train. */
    readonly sha256: string
  }
  readonly adapter: AdapterManifest
  readonly training: {
    /** Optimizer steps of one peer in one round. */
    readonly steps: number
    readonly batchSize: number
    readonly sequenceLength: number
    readonly learningRate: number
    /** How the learning rate goes over the rounds. */
    readonly schedule: 'constant' | 'cosine'
    /** How it goes over the steps of a round, once it has risen. */
    readonly stepSchedule: 'constant' | 'cosine'
    /** Steps of each round over which it rises from 0. */
    readonly warmupSteps: number
    /** Begins afresh in each round. */
    readonly optimizer: 'adamw' | 'sgd'
    /** Of `sgd`. */
    readonly momentum: number
    readonly weightDecay: number
    readonly gradientClipNorm: number
    /** Pull back to the global adapter. */
    readonly proximalMu: number
  }
  readonly rounds: number
  readonly cohort: {
    /** Members that must be there before the first round. */
    readonly founders: number
    /** The most members that one cohort takes. */
    readonly size: number
    /** What becomes of more members: a draw leaves some out of each round, a tree of cohorts takes them all in. */
    readonly larger: 'draw' | 'tree'
    /** The most cohort sums that one parent cohort of a tree adds. */
    readonly fanIn: number
    readonly allowThree: boolean
    /** Attempts that may fail in a row before the run pauses. */
    readonly attempts: number
  }
  readonly deadlines: {
    readonly keysMs: number
    readonly trainingMs: number
    readonly inputsMs: number
    readonly unmaskingMs: number
    readonly viewMs: number
  }
  readonly strategy: 'rolora' | 'ffa' | 'fedit'
  readonly serverOptimizer:
    | { readonly name: 'fedavg'; readonly learningRate: number }
    | {
        readonly name: 'fedadam'
        readonly learningRate: number
        readonly beta1: number
        readonly beta2: number
        readonly tau: number
      }
  readonly secureSum: {
    readonly ringBits: 16 | 20 | 32
    /** L2 norm to which one peer's delta is clipped. */
    readonly clipNorm: number
    /** A power of two, 1 to 64. */
    readonly maxWeight: number
    /** Curious peers in collusion that the sum withstands; `default` is f = n - t. */
    readonly colluders: number | 'default'
    /** Who re-adds the sum: everyone, or a committee of so many (everyone in a cohort that is not larger). */
    readonly verifiers: number | 'everyone'
    /** Fraction of the coordinates that a round sums, the same for all: above 0, up to 1. */
    readonly randomK: number
  }
  readonly privacy: PrivacyManifest
  readonly admission:
    | { readonly kind: 'open' }
    | { readonly kind: 'list'; readonly peers: readonly PeerId[] }
    /** `peers` (and the author) need no invitation; there may be none. */
    | { readonly kind: 'invitation'; readonly peers: readonly PeerId[] }
}

/** Noise inside the secure sum, the most that the run may spend, and how the clip norm goes (docs/privacy.md). */
export type PrivacyManifest =
  | { readonly mechanism: 'none' }
  | {
      readonly mechanism: 'skellam' | 'discrete-gaussian'
      /** z: standard deviation of the honest survivors' noise together, over the clip norm. */
      readonly noiseMultiplier: number
      /** The run ends before a round that would pass it. */
      readonly epsilon: number
      readonly delta: number
      readonly sampler: 'table' | 'exact'
      readonly clipping:
        | { readonly kind: 'fixed' }
        | {
            readonly kind: 'adaptive'
            /** Of the clients, that should stay unclipped. */
            readonly targetFraction: number
            readonly learningRate: number
            readonly min: number
            readonly max: number
            /** Deviation of the noise on the count of the unclipped, as a part of the cohort. */
            readonly countNoise: number
          }
    }

/** One thing that is wrong with a manifest. */
export interface ManifestProblem {
  /** E.g. `training.steps`; empty for the whole. */
  readonly path: string
  /** What stands there, as JSON, shortened; null for a problem of several fields together. */
  readonly got: string | null
  readonly allowed: string
}

/** The colluders allowed for in a cohort of n: the manifest's, or f = n - t. */
export function colludersOf(manifest: Pick<RunManifest, 'secureSum'>, participants: number): number {
  const { colluders } = manifest.secureSum
  return colluders === 'default' ? faultsOf(participants) : colluders
}

/**
 * Checks a manifest as a person or another peer gave it, and fills in the defaults.
 * @param given - parsed YAML or JSON, without the signature
 * @throws ProtocolError VERSION if it is made for a version that we do not take part in
 * @throws ProtocolError BAD_MANIFEST naming every field that is wrong, what stands there and what may
 */
export function parseManifest(given: unknown): RunManifest {
  checkVersion(given)
  const parsed = manifestSchema.safeParse(withUniformWeights(withFormerDefaults(given)))
  if (!parsed.success) throw badManifest(parsed.error.issues.flatMap(issue => problemsOf(issue, given)))
  const manifest: RunManifest = parsed.data
  const problems = [...laterFieldProblems(manifest), ...crossChecks(manifest)]
  if (problems.length > 0) throw badManifest(problems)
  return manifest
}

/** The one encoding of a manifest: JSON with sorted keys and no spaces, UTF-8. */
export function canonicalManifest(manifest: RunManifest): Uint8Array {
  return utf8Bytes(canonicalJson(asWrittenIn(manifest.formatVersion, manifest)))
}

/** The run id [32]: every message of the run carries it. */
export function runId(manifest: RunManifest, sha256: CryptoSuite['sha256']): Uint8Array {
  return sha256(lengthPrefixed('fedpeft/1 run-id', canonicalManifest(manifest)))
}

function checkVersion(given: unknown): void {
  const got = (given as { formatVersion?: unknown } | null)?.formatVersion
  const fault = versionFault(got)
  if (fault === null) return
  if (fault.isForm) throw badManifest([{ path: 'formatVersion', got: shown(got), allowed: fault.message }])
  throw new ProtocolError('VERSION', { got, spoken: MANIFEST_VERSION }, fault.message)
}

/** An older program would leave these fields out and come to another run id. */
function laterFieldProblems(manifest: RunManifest): ManifestProblem[] {
  return laterFields(manifest.formatVersion, manifest).map(({ path, got, since }) => ({
    path,
    got: shown(got),
    allowed: `only with formatVersion "${since}" or later, and this manifest says "${manifest.formatVersion}"`
  }))
}

/** With noise every weight is 1: what is said nowhere need not be written. */
function withUniformWeights(given: unknown): unknown {
  const isSection = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isSection(given) || !isSection(given['privacy'])) return given
  const { mechanism } = given['privacy']
  const { secureSum = {} } = given
  if (mechanism === undefined || mechanism === 'none' || !isSection(secureSum)) return given
  return { ...given, secureSum: { maxWeight: 1, ...secureSum } }
}

/** What no single field can show. */
function crossChecks({
  cohort,
  secureSum,
  admission,
  adapter,
  strategy,
  training,
  privacy
}: RunManifest): ManifestProblem[] {
  const problems: ManifestProblem[] = []
  const refuse = (path: string, got: unknown, allowed: string) =>
    problems.push({ path, got: shown(got), allowed })
  if (adapter.kind === 'prefix' && strategy !== 'fedit')
    refuse(
      'strategy',
      strategy,
      'fedit, for adapter.kind prefix: a prefix has no two factors to take in turns'
    )
  if (training.warmupSteps >= training.steps && training.warmupSteps > 0)
    refuse(
      'training.warmupSteps',
      training.warmupSteps,
      `fewer than training.steps, which is ${training.steps}: the learning rate must get there within a round`
    )
  const least = cohort.allowThree ? COHORT_MIN_FORCED : COHORT_MIN
  const why = cohort.allowThree
    ? ''
    : ` (3 only with cohort.allowThree: true, which tolerates no loss and leaves no room for privacy noise)`
  if (cohort.founders < least) refuse('cohort.founders', cohort.founders, `at least ${least}${why}`)
  if (cohort.size < least && cohort.founders >= least)
    refuse('cohort.size', cohort.size, `at least ${least}${why}`)
  if (cohort.founders > cohort.size && cohort.larger === 'draw') {
    refuse(
      'cohort.founders',
      cohort.founders,
      `at most cohort.size, which is ${cohort.size} (more only with cohort.larger: tree)`
    )
  }
  if (cohort.larger === 'tree' && secureSum.ringBits === 32) {
    refuse(
      'secureSum.ringBits',
      secureSum.ringBits,
      'fewer with cohort.larger: tree, whose parent cohorts add the sums of cohorts in integers of 32 bits'
    )
  }
  if (cohort.larger === 'tree' && secureSum.randomK !== 1) {
    refuse(
      'secureSum.randomK',
      secureSum.randomK,
      '1, with cohort.larger: tree: the sum of a cohort that comes too late to count is public all the same, so what is ' +
        'kept back for later rounds would show in two sums'
    )
  }
  const leaf = secureSum.colluders === 'default' ? least : leastFor(secureSum.colluders, least)
  if (cohort.larger === 'tree' && 2 * leaf - 1 > COHORT_MAX) {
    refuse(
      'secureSum.colluders',
      secureSum.colluders,
      `fewer with cohort.larger: tree: it takes cohorts of ${leaf}, and up to ${2 * leaf - 1} where the count of members ` +
        `does not divide, more than the ${COHORT_MAX} that a cohort may have`
    )
  }
  const founders = Math.min(cohort.founders, cohort.size)
  const threshold = quorumOf(founders)
  if (founders >= least && colludersOf({ secureSum }, founders) + 2 > threshold) {
    const whose = founders === cohort.founders ? `${founders} founders` : `cohorts of ${founders}`
    refuse(
      'secureSum.colluders',
      secureSum.colluders,
      `at most ${threshold - 2} with ${whose}: the sum of the fewest survivors (t = ${threshold}) must hide a peer ` +
        'among at least two honest ones'
    )
  }
  if (admission.kind === 'list' && admission.peers.length < cohort.founders) {
    refuse(
      'admission.peers',
      admission.peers.length,
      `at least cohort.founders peers, which is ${cohort.founders}`
    )
  }
  problems.push(...privacyProblems({ cohort, secureSum, privacy }))
  return problems
}

/** What noise rules out. Whether it fits the ring shows only once the adapter is known (node/peer/private-round.ts). */
function privacyProblems({
  cohort,
  secureSum,
  privacy
}: Pick<RunManifest, 'cohort' | 'secureSum' | 'privacy'>): ManifestProblem[] {
  if (privacy.mechanism === 'none') return []
  const { mechanism, sampler, clipping } = privacy
  const problems: ManifestProblem[] = []
  const refuse = (path: string, got: unknown, allowed: string) =>
    problems.push({ path, got: shown(got), allowed })
  if (cohort.allowThree) {
    const why = 'of three the sum needs all, so nobody else could hide one of them in noise'
    refuse('cohort.allowThree', true, `false, with privacy.mechanism ${mechanism}: ${why}`)
  }
  if (secureSum.maxWeight !== 1) {
    const why = 'a client that may weigh more would need as many times the noise'
    refuse('secureSum.maxWeight', secureSum.maxWeight, `1, with privacy.mechanism ${mechanism}: ${why}`)
  }
  if (mechanism === 'skellam' && sampler === 'exact') {
    const why =
      'an exact Skellam sample takes time in proportion to its variance, half a second at the largest; discrete-gaussian has a quick one'
    refuse('privacy.sampler', sampler, `table, with privacy.mechanism skellam: ${why}`)
  }
  if (secureSum.randomK !== 1) {
    const why =
      'what is kept for later rounds would carry one change into several of them, and the noise counts it once'
    refuse('secureSum.randomK', secureSum.randomK, `1, with privacy.mechanism ${mechanism}: ${why}`)
  }
  if (clipping.kind === 'fixed') return problems
  if (clipping.min > clipping.max) {
    refuse('privacy.clipping.min', clipping.min, `at most privacy.clipping.max, which is ${clipping.max}`)
  } else if (secureSum.clipNorm < clipping.min || secureSum.clipNorm > clipping.max) {
    refuse(
      'secureSum.clipNorm',
      secureSum.clipNorm,
      `from ${clipping.min} to ${clipping.max}, privacy.clipping's: it is where the clip norm begins`
    )
  }
  return problems
}

function badManifest(found: readonly ManifestProblem[]): ProtocolError {
  // One value can break two checks, and its words say both.
  const problems = [
    ...new Map(found.map(problem => [`${problem.path}: ${problem.allowed}`, problem])).values()
  ]
  const lines = problems.map(({ path, got, allowed }) => {
    return `${path === '' ? 'the manifest' : path}: ${got === null ? '' : `got ${got}; `}allowed: ${allowed}`
  })
  return new ProtocolError('BAD_MANIFEST', { problems }, lines.join('\n'))
}

function problemsOf(issue: z.core.$ZodIssue, given: unknown): ManifestProblem[] {
  const path = issue.path.join('.')
  // A field of the next minor version may change the sums: it must not be skipped.
  const newer = isNewer((given as { formatVersion?: unknown } | null)?.formatVersion)
    ? ` (it may come from a later version: ${UPGRADE_COMMAND})`
    : ''
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => {
      const full = path === '' ? key : `${path}.${key}`
      const near = didYouMean(full, manifestPaths())
      return {
        path: full,
        got: null,
        allowed: `no such field${near === null ? '' : `; did you mean ${near}?`}${newer}`
      }
    })
  }
  let value = given
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  return [{ path, got: value === undefined ? 'nothing' : shown(value), allowed: issue.message }]
}

function shown(value: unknown): string {
  const json = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value)
  return json.length > 80 ? `${json.slice(0, 79)}…` : json
}
