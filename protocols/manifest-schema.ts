/** What may stand in each field of a run manifest, and what does where nothing is written. */
import { z } from 'zod'
import {
  ATTEMPTS_DEFAULT,
  ATTEMPTS_MAX,
  COHORT_DEFAULT,
  COHORT_MAX,
  COHORT_MIN,
  FAN_IN_MAX,
  FOUNDERS_MAX,
  VERIFIERS_DEFAULT,
  VERIFIERS_MIN
} from './limits.ts'
import { MANIFEST_VERSION } from './manifest-version.ts'
import { isPeerId } from './peer-id.ts'

// Every check of one field carries the same words, `allowed`: the person sees what may stand there, whatever broke.

function integer(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`
  return z.number(allowed).int(allowed).min(min, allowed).max(max, allowed)
}

function positive(max: number) {
  const allowed = `a number above 0, at most ${max}`
  return z.number(allowed).gt(0, allowed).max(max, allowed)
}

function nonNegative(max: number) {
  const allowed = `a number from 0 to ${max}`
  return z.number(allowed).min(0, allowed).max(max, allowed)
}

function fraction() {
  const allowed = 'a number from 0 to below 1'
  return z.number(allowed).min(0, allowed).lt(1, allowed)
}

function inside() {
  const allowed = 'a number above 0 and below 1'
  return z.number(allowed).gt(0, allowed).lt(1, allowed)
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
const VERIFIERS_TEXT = `everyone, or a whole number from ${VERIFIERS_MIN} to ${COHORT_MAX}`
const LIST_MAX = 512
const LIST_TEXT = `a list of 1 to ${LIST_MAX} different peer ids`
const INVITED_TEXT = `a list of at most ${LIST_MAX} different peer ids, which may be empty: []`
/** Eight rounds, the default, with it stay below epsilon 10 at delta 1e-5. */
const NOISE_DEFAULT = 1.6
const DELTA_TEXT = 'a number from 1e-12 to 0.1; far below one in the number of members'
const RING_TEXT = 'one of 16, 20, 32'
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

/** No noise where no mechanism is named. */
function withMechanism(privacy: unknown): unknown {
  const isSection = typeof privacy === 'object' && privacy !== null && !Array.isArray(privacy)
  return isSection && !('mechanism' in privacy) ? { mechanism: 'none', ...privacy } : privacy
}

function noise<const M extends 'skellam' | 'discrete-gaussian'>(mechanism: M) {
  return section({
    mechanism: z.literal(mechanism),
    noiseMultiplier: positive(1e4).default(NOISE_DEFAULT),
    epsilon: positive(1e4).default(10),
    // Below 1e-12 float64 no longer tells 1 - delta apart with any certainty.
    delta: z.number(DELTA_TEXT).min(1e-12, DELTA_TEXT).max(0.1, DELTA_TEXT).default(1e-5),
    sampler: words(['table', 'exact']).default('table'),
    clipping: z
      .discriminatedUnion(
        'kind',
        [
          section({ kind: z.literal('fixed') }),
          section({
            kind: z.literal('adaptive'),
            targetFraction: inside().default(0.5),
            learningRate: positive(10).default(0.2),
            min: positive(1e6).default(0.001),
            max: positive(1e6).default(1000),
            countNoise: positive(1).default(0.05)
          })
        ],
        'a section whose kind is one of fixed, adaptive'
      )
      .prefault({ kind: 'fixed' })
  })
}

/** A manifest as a person may write it; what it leaves out has a default. */
export const manifestSchema = section({
  formatVersion: z.string('a version such as 1.0').default(MANIFEST_VERSION),
  name: text(64, 'a name'),
  author: peerId,
  model: section({
    source: text(
      512,
      '`embedded`, the path of a model folder, or a model of the Hugging Face Hub such as owner/name'
    ).default('embedded'),
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
    stepSchedule: words(['constant', 'cosine']).default('constant'),
    warmupSteps: integer(0, 100_000).default(0),
    optimizer: words(['adamw', 'sgd']).default('adamw'),
    momentum: fraction().default(0.9),
    weightDecay: fraction().default(0),
    gradientClipNorm: positive(1e6).default(1),
    proximalMu: nonNegative(1e6).default(0)
  }).prefault({}),
  rounds: integer(1, 100_000).default(8),
  cohort: section({
    founders: integer(1, FOUNDERS_MAX).default(COHORT_MIN),
    size: integer(1, COHORT_MAX).default(COHORT_DEFAULT),
    larger: words(['draw', 'tree']).default('draw'),
    fanIn: integer(2, FAN_IN_MAX).default(FAN_IN_MAX),
    allowThree: z.boolean(FLAG_TEXT).default(false),
    attempts: integer(1, ATTEMPTS_MAX).default(ATTEMPTS_DEFAULT)
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
    ringBits: z.literal([16, 20, 32], RING_TEXT).default(16),
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
    verifiers: z
      .union(
        [
          z.literal('everyone'),
          z
            .number(VERIFIERS_TEXT)
            .int(VERIFIERS_TEXT)
            .min(VERIFIERS_MIN, VERIFIERS_TEXT)
            .max(COHORT_MAX, VERIFIERS_TEXT)
        ],
        VERIFIERS_TEXT
      )
      .default(VERIFIERS_DEFAULT),
    randomK: positive(1).default(1)
  }).prefault({}),
  privacy: z
    .preprocess(
      withMechanism,
      z.discriminatedUnion(
        'mechanism',
        [section({ mechanism: z.literal('none') }), noise('skellam'), noise('discrete-gaussian')],
        'a section whose mechanism is one of none, skellam, discrete-gaussian'
      )
    )
    .prefault({}),
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
        }),
        section({
          kind: z.literal('invitation'),
          peers: z
            .array(peerId, INVITED_TEXT)
            .max(LIST_MAX, INVITED_TEXT)
            .refine(distinct, INVITED_TEXT)
            .default([])
        })
      ],
      'a section whose kind is one of open, list, invitation'
    )
    .prefault({ kind: 'open' })
})

/** Every path that a manifest may have, e.g. `adapter`, `adapter.rank`. */
export function manifestPaths(): string[] {
  return pathsOf(manifestSchema)
}

function pathsOf(type: unknown, prefix = ''): string[] {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) return pathsOf(type.unwrap(), prefix)
  if (type instanceof z.ZodPipe) return pathsOf(type.out, prefix)
  if (type instanceof z.ZodDiscriminatedUnion) return type.options.flatMap(option => pathsOf(option, prefix))
  if (!(type instanceof z.ZodObject)) return []
  return Object.entries(type.shape).flatMap(([key, field]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`
    return [path, ...pathsOf(field, path)]
  })
}
