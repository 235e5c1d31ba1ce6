/**
 * The run manifest: what a person writes once and everyone who takes part agrees on. A file may leave fields out;
 * a RunManifest never does, so that its canonical encoding, and with it the run id, says everything.
 */
import { z } from 'zod'
import { lengthPrefixed, utf8Bytes } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { canonicalJson } from './canonical-json.ts'
import { didYouMean } from './did-you-mean.ts'
import { ProtocolError } from './errors.ts'
import { COHORT_DEFAULT, COHORT_MAX, COHORT_MIN, COHORT_MIN_FORCED } from './limits.ts'
import { isPeerId } from './peer-id.ts'
import type { PeerId } from './ports.ts'
import { faultsOf, quorumOf } from './quorum.ts'

/** The manifest format that this version writes. One minor version apart takes part, any other does not. */
export const MANIFEST_VERSION = '1.0'

/** The command that fixes a version mismatch, named in the message. */
export const UPGRADE_COMMAND = 'npm install fedpeft@latest'

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
    /** `embedded`, or the path of a folder in Hugging Face layout. */
    readonly source: string
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
    readonly weightDecay: number
    readonly gradientClipNorm: number
  }
  readonly rounds: number
  readonly cohort: {
    /** Members that must be there before the first round. */
    readonly founders: number
    /** The most members that one round takes. */
    readonly size: number
    readonly allowThree: boolean
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
    readonly ringBits: 16 | 32
    /** L2 norm to which one peer's delta is clipped. */
    readonly clipNorm: number
    /** A power of two, 1 to 64. */
    readonly maxWeight: number
    /** Curious peers in collusion that the sum withstands; `default` is f = n - t. */
    readonly colluders: number | 'default'
    readonly verifiers: 'everyone'
  }
  readonly privacy: { readonly mechanism: 'none' }
  readonly admission: { readonly kind: 'open' } | { readonly kind: 'list'; readonly peers: readonly PeerId[] }
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

// Every check of one field carries the same words, `allowed`: the person sees what may stand there, whatever broke.

function integer(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`
  return z.number(allowed).int(allowed).min(min, allowed).max(max, allowed)
}

function positive(max: number) {
  const allowed = `a number above 0, at most ${max}`
  return z.number(allowed).gt(0, allowed).max(max, allowed)
}

function fraction() {
  const allowed = 'a number from 0 to below 1'
  return z.number(allowed).min(0, allowed).lt(1, allowed)
}

function words<const W extends readonly [string, ...string[]]>(choices: W, aside = '') {
  return z.enum(choices, `${choices.length > 1 ? 'one of ' : ''}${choices.join(', ')}${aside}`)
}

function text(max: number, what: string) {
  const allowed = `${what}, 1 to ${max} characters on one line`
  // A name is printed to terminals: no control characters.
  return z
    .string(allowed)
    .min(1, allowed)
    .max(max, allowed)
    .regex(/^\P{C}+$/u, allowed)
}

const SHA256_TEXT = 'a SHA-256 digest: 64 hexadecimal digits, lower case'
const PEER_TEXT = 'a peer id (12D3KooW…, as `fedpeft-node init` prints it)'
const FLAG_TEXT = 'true or false'
const TARGETS_TEXT = 'all-linear, or a list of 1 to 32 different module names such as q_proj'
const MAX_WEIGHT_TEXT = 'a power of two from 1 to 64'
const COLLUDERS_TEXT = `default, or a whole number from 0 to ${COHORT_MAX - 2}`
const LIST_MAX = 512
const LIST_TEXT = `a list of 1 to ${LIST_MAX} different peer ids`
const RING_TEXT = '16 or 32'
const WEEK_MS = 7 * 24 * 3600 * 1000

const peerId = z.string(PEER_TEXT).refine(isPeerId, PEER_TEXT)
const deadline = () => integer(100, WEEK_MS)
const section = <S extends z.core.$ZodLooseShape>(shape: S) =>
  z.strictObject(shape, 'a section of named values')

function distinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length
}

const seed = integer(0, 2 ** 32 - 1).default(1)

/** LoRA where no kind is named. */
function withKind(adapter: unknown): unknown {
  const isSection = typeof adapter === 'object' && adapter !== null && !Array.isArray(adapter)
  return isSection && !('kind' in adapter) ? { kind: 'lora', ...adapter } : adapter
}

const schema = section({
  formatVersion: z.string('a version such as 1.0').default(MANIFEST_VERSION),
  name: text(64, 'a name'),
  author: peerId,
  model: section({
    source: text(512, '`embedded` or the path of a model folder').default('embedded'),
    revision: text(64, 'a revision').default('main'),
    sha256: z.string(SHA256_TEXT).regex(/^[0-9a-f]{64}$/, SHA256_TEXT)
  }),
  adapter: z
    .preprocess(
      withKind,
      z.discriminatedUnion(
        'kind',
        [
          section({
            kind: z.literal('lora'),
            rank: integer(1, 256).default(8),
            alpha: positive(4096).default(8),
            rankStabilized: z.boolean(FLAG_TEXT).default(false),
            targetModules: z
              .union(
                [
                  z.literal('all-linear'),
                  z
                    .array(z.string().regex(/^[A-Za-z0-9_.]{1,64}$/, TARGETS_TEXT), TARGETS_TEXT)
                    .min(1)
                    .max(32)
                    .refine(distinct, TARGETS_TEXT)
                ],
                TARGETS_TEXT
              )
              .default('all-linear'),
            dropout: fraction().default(0),
            seed
          }),
          section({
            kind: z.literal('bottleneck'),
            placement: words(['pfeiffer', 'houlsby']).default('pfeiffer'),
            reductionFactor: positive(4096).default(16),
            activation: words(['relu', 'gelu', 'gelu-tanh', 'silu']).default('relu'),
            seed
          }),
          section({ kind: z.literal('prefix'), virtualTokens: integer(1, 4096).default(16), seed })
        ],
        'a section whose kind is one of lora, bottleneck, prefix'
      )
    )
    .prefault({}),
  training: section({
    steps: integer(1, 100_000).default(12),
    batchSize: integer(1, 1024).default(4),
    sequenceLength: integer(2, 131_072).default(96),
    learningRate: positive(10).default(0.003),
    schedule: words(['constant', 'cosine']).default('constant'),
    weightDecay: fraction().default(0),
    gradientClipNorm: positive(1e6).default(1)
  }).prefault({}),
  rounds: integer(1, 100_000).default(8),
  cohort: section({
    founders: integer(1, COHORT_MAX).default(COHORT_MIN),
    size: integer(1, COHORT_MAX).default(COHORT_DEFAULT),
    allowThree: z.boolean(FLAG_TEXT).default(false)
  }).prefault({}),
  deadlines: section({
    keysMs: deadline().default(30_000),
    trainingMs: deadline().default(600_000),
    inputsMs: deadline().default(120_000),
    unmaskingMs: deadline().default(60_000),
    viewMs: deadline().default(30_000)
  }).prefault({}),
  strategy: words(['rolora', 'ffa', 'fedit']).default('rolora'),
  serverOptimizer: z
    .discriminatedUnion(
      'name',
      [
        section({ name: z.literal('fedavg'), learningRate: positive(10).default(1) }),
        section({
          name: z.literal('fedadam'),
          learningRate: positive(10).default(0.01),
          beta1: fraction().default(0.9),
          beta2: fraction().default(0.99),
          tau: positive(1).default(0.001)
        })
      ],
      'a section whose name is one of fedavg, fedadam'
    )
    .prefault({ name: 'fedavg' }),
  secureSum: section({
    ringBits: z.union([z.literal(16), z.literal(32)], RING_TEXT).default(16),
    clipNorm: positive(1e6).default(4),
    maxWeight: z
      .number(MAX_WEIGHT_TEXT)
      .refine(weight => [1, 2, 4, 8, 16, 32, 64].includes(weight), MAX_WEIGHT_TEXT)
      .default(8),
    colluders: z
      .union(
        [
          z.literal('default'),
          z
            .number(COLLUDERS_TEXT)
            .int(COLLUDERS_TEXT)
            .min(0, COLLUDERS_TEXT)
            .max(COHORT_MAX - 2, COLLUDERS_TEXT)
        ],
        COLLUDERS_TEXT
      )
      .default('default'),
    verifiers: words(['everyone'], ' (a committee of verifiers is not in this version)').default('everyone')
  }).prefault({}),
  privacy: section({
    mechanism: words(['none'], ' (privacy noise is not in this version)').default('none')
  }).prefault({}),
  admission: z
    .discriminatedUnion(
      'kind',
      [
        section({ kind: z.literal('open') }),
        section({
          kind: z.literal('list'),
          peers: z
            .array(peerId, LIST_TEXT)
            .min(1, LIST_TEXT)
            .max(LIST_MAX, LIST_TEXT)
            .refine(distinct, LIST_TEXT)
        })
      ],
      'a section whose kind is one of open, list'
    )
    .prefault({ kind: 'open' })
})

/**
 * Checks a manifest as a person or another peer gave it, and fills in the defaults.
 * @param given - parsed YAML or JSON, without the signature
 * @throws ProtocolError VERSION if it is made for a version that we do not take part in
 * @throws ProtocolError BAD_MANIFEST naming every field that is wrong, what stands there and what may
 */
export function parseManifest(given: unknown): RunManifest {
  checkVersion(given)
  const parsed = schema.safeParse(given)
  if (!parsed.success) throw badManifest(parsed.error.issues.flatMap(issue => problemsOf(issue, given)))
  const manifest: RunManifest = parsed.data
  const problems = crossChecks(manifest)
  if (problems.length > 0) throw badManifest(problems)
  return manifest
}

/** The one encoding of a manifest: JSON with sorted keys and no spaces, UTF-8. */
export function canonicalManifest(manifest: RunManifest): Uint8Array {
  return utf8Bytes(canonicalJson(manifest))
}

/** The run id [32]: every message of the run carries it. */
export function runId(manifest: RunManifest, sha256: CryptoSuite['sha256']): Uint8Array {
  return sha256(lengthPrefixed('fedpeft/1 run-id', canonicalManifest(manifest)))
}

function checkVersion(given: unknown): void {
  const got = (given as { formatVersion?: unknown } | null)?.formatVersion
  if (got === undefined) return
  const parts = /^(\d{1,4})\.(\d{1,4})$/.exec(String(got))
  if (typeof got !== 'string' || parts === null) {
    // YAML reads an unquoted 1.0 as the number 1.
    throw badManifest([
      {
        path: 'formatVersion',
        got: shown(got),
        allowed: `a version in quotes, such as "${MANIFEST_VERSION}"`
      }
    ])
  }
  const [major, minor] = MANIFEST_VERSION.split('.').map(Number) as [number, number]
  if (Number(parts[1]) === major && Math.abs(Number(parts[2]) - minor) <= 1) return
  throw new ProtocolError(
    'VERSION',
    { got, spoken: MANIFEST_VERSION },
    `the manifest has format version ${got}, this fedpeft-node takes part in ${major}.${Math.max(0, minor - 1)} to ` +
      `${major}.${minor + 1}: everyone in the run needs the same version (${UPGRADE_COMMAND})`
  )
}

function isNewer(given: unknown): boolean {
  const got = (given as { formatVersion?: unknown } | null)?.formatVersion
  return got !== undefined && got !== MANIFEST_VERSION
}

/** What no single field can show. */
function crossChecks({ cohort, secureSum, admission, adapter, strategy }: RunManifest): ManifestProblem[] {
  const problems: ManifestProblem[] = []
  const refuse = (path: string, got: unknown, allowed: string) =>
    problems.push({ path, got: shown(got), allowed })
  if (adapter.kind === 'prefix' && strategy !== 'fedit')
    refuse(
      'strategy',
      strategy,
      'fedit, for adapter.kind prefix: a prefix has no two factors to take in turns'
    )
  const least = cohort.allowThree ? COHORT_MIN_FORCED : COHORT_MIN
  const why = cohort.allowThree
    ? ''
    : ` (3 only with cohort.allowThree: true, which tolerates no loss and leaves no room for privacy noise)`
  if (cohort.founders < least) refuse('cohort.founders', cohort.founders, `at least ${least}${why}`)
  if (cohort.size < least && cohort.founders >= least)
    refuse('cohort.size', cohort.size, `at least ${least}${why}`)
  if (cohort.founders > cohort.size) {
    refuse('cohort.founders', cohort.founders, `at most cohort.size, which is ${cohort.size}`)
  }
  const threshold = quorumOf(cohort.founders)
  if (cohort.founders >= least && colludersOf({ secureSum }, cohort.founders) + 2 > threshold) {
    refuse(
      'secureSum.colluders',
      secureSum.colluders,
      `at most ${threshold - 2} with ${cohort.founders} founders: the sum of the fewest survivors ` +
        `(t = ${threshold}) must hide a peer among at least two honest ones`
    )
  }
  if (admission.kind === 'list' && admission.peers.length < cohort.founders) {
    refuse(
      'admission.peers',
      admission.peers.length,
      `at least cohort.founders peers, which is ${cohort.founders}`
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
  const newer = isNewer(given) ? ` (it may come from a later version: ${UPGRADE_COMMAND})` : ''
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => {
      const full = path === '' ? key : `${path}.${key}`
      const near = didYouMean(full, knownPaths(schema))
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

/** Every path that the schema knows, e.g. `adapter`, `adapter.rank`. */
function knownPaths(type: unknown, prefix = ''): string[] {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) return knownPaths(type.unwrap(), prefix)
  if (type instanceof z.ZodDiscriminatedUnion)
    return type.options.flatMap(option => knownPaths(option, prefix))
  if (!(type instanceof z.ZodObject)) return []
  return Object.entries(type.shape).flatMap(([key, field]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`
    return [path, ...knownPaths(field, path)]
  })
}
