/** What a simulation runs: a whole network on one machine, with its baselines. All fields have defaults. */
import { z } from 'zod'
import { COHORT_MAX, FOUNDERS_MAX } from '../protocols/limits.ts'
import { parseManifest, type RunManifest } from '../protocols/run-manifest.ts'
import { SimError } from './errors.ts'

const whole = (min: number, max: number) => z.int().min(min).max(max)

const scenarioSchema = z.strictObject({
  name: z.string().min(1).default('presidents'),
  /** Peers, one client each. */
  peers: whole(3, FOUNDERS_MAX).default(8),
  rounds: whole(1, 10_000).default(8),
  /** Of the adapter's initialisation and of the baselines' batches. */
  seed: whole(0, 2 ** 31 - 1).default(1),
  /** `embedded`, a folder in Hugging Face layout, or a model of the Hub (owner/name, or owner/name@revision). */
  model: z.string().min(1).default('embedded'),
  /** `sotu` (State of the Union, a client is a president), or a folder with one data file per client. */
  data: z.string().min(1).default('sotu'),
  /** Parts of the run manifest, as `fedpeft-node init` writes it. */
  manifest: z.record(z.string(), z.unknown()).default({}),
  baselines: z
    .strictObject({
      /** Whether to train the baselines at all. */
      run: z.boolean().default(true),
      /** Of the local and the pooled baseline, constant. */
      learningRate: z.number().positive().default(0.001),
      /** Local training stops when a slice of the client's own training text gets worse. */
      holdOutFraction: z.number().gt(0).lt(1).default(0.15),
      patience: whole(1, 100).default(2),
      /** Steps of the pooled baseline, as a multiple of one peer's steps. */
      pooledSteps: z.number().positive().default(3)
    })
    .prefault({})
})

export type Scenario = z.output<typeof scenarioSchema>

/** What a person may leave out. */
export type ScenarioFields = z.input<typeof scenarioSchema>

/** Settings that suit the embedded model and its data; measured (README, figures). */
const embeddedDefaults = {
  adapter: { rank: 8, alpha: 16, targetModules: 'all-linear' },
  training: {
    steps: 12,
    batchSize: 4,
    sequenceLength: 96,
    learningRate: 0.01,
    schedule: 'cosine',
    weightDecay: 0,
    gradientClipNorm: 1
  },
  secureSum: { clipNorm: 10 }
} as const

/** Of a small adapter, after a few steps (docs/privacy.md). */
const PRIVATE_CLIP_NORM = 0.2

/** One machine computes for all peers in turn, so everything but training is quick and training is not. */
const deadlinesOfEight = {
  keysMs: 20_000,
  trainingMs: 300_000,
  inputsMs: 60_000,
  unmaskingMs: 30_000,
  viewMs: 5_000
}

/** Each peer hears of all others: with more of them everything takes longer for each. */
function deadlinesFor(peers: number): Record<string, number> {
  const times = Math.max(1, peers / 8) ** 2
  return Object.fromEntries(
    Object.entries(deadlinesOfEight).map(([name, ms]) => [
      name,
      Math.round(ms * (name === 'trainingMs' ? Math.sqrt(times) : times))
    ])
  )
}

/** @throws SimError BAD_SCENARIO, naming each field, what it has and what it may have */
export function parseScenario(given: unknown): Scenario {
  const { success, data, error } = scenarioSchema.safeParse(given)
  if (success) return data
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the scenario'}: ${message}`)
  throw new SimError('BAD_SCENARIO', { problems }, `scenario refused: ${problems.join('; ')}`)
}

/**
 * The manifest of a scenario's run.
 * @param author - of the run: one of the peers
 * @param base - the model that the scenario names, as it was found; of the Hub with its commit as revision
 * @throws ProtocolError BAD_MANIFEST
 */
export function scenarioManifest(
  scenario: Scenario,
  author: string,
  base: Pick<RunManifest['model'], 'source' | 'sha256'> & { readonly revision?: string }
): RunManifest {
  const { peers, rounds, seed, name, manifest } = scenario
  const merged = mergeSections({ ...embeddedDefaults, deadlines: deadlinesFor(peers) }, manifest)
  // Noise grows with the clip norm: it should be about as long as a change is, or shorter.
  const { mechanism = 'none' } = sectionOf(manifest, 'privacy')
  const isNoised = mechanism !== 'none'
  const clipping = isNoised ? { clipNorm: PRIVATE_CLIP_NORM } : {}
  const secureSum = { ...sectionOf(merged, 'secureSum'), ...clipping, ...sectionOf(manifest, 'secureSum') }
  const adapter: Record<string, unknown> = { seed, ...sectionOf(merged, 'adapter') }
  // A prefix has no two factors to take in turns.
  const strategy = adapter['kind'] === 'prefix' ? { strategy: 'fedit' } : {}
  const cohort = {
    founders: peers,
    size: Math.min(COHORT_MAX, Math.max(peers, 4)),
    ...sectionOf(merged, 'cohort')
  }
  return parseManifest({
    name,
    ...strategy,
    ...merged,
    secureSum,
    author,
    rounds,
    adapter,
    cohort,
    model: base
  })
}

function mergeSections(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const both = isSection(merged[key]) && isSection(value) && isOneKind(merged[key], value)
    merged[key] = both ? { ...sectionOf(merged, key), ...(value as object) } : value
  }
  return merged
}

/** What suits one kind of adapter means nothing for another. */
function isOneKind(base: unknown, over: unknown): boolean {
  const kindOf = (section: unknown) => (section as { readonly kind?: unknown }).kind ?? 'lora'
  return 'kind' in (over as object) ? kindOf(base) === kindOf(over) : true
}

function sectionOf(fields: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  return isSection(fields[key]) ? (fields[key] as Record<string, unknown>) : {}
}

function isSection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
