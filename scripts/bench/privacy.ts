// What privacy noise leaves to learn, for adapters and cohorts of several sizes: `npm run bench:privacy -- --help`.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { noiseToClip } from '../../aggregation/privacy-plan.ts'
import { type BaseModel, openBaseModel, openRunTrainers } from '../../node/cli/open-trainer.ts'
import { withLeastNoise } from '../../node/cli/privacy-options.ts'
import { localModel } from '../../node/cli/resolve-model.ts'
import { openClients, type SimClient } from '../../node/cli/sim/clients.ts'
import { privacyPlanOf } from '../../node/peer/private-round.ts'
import { adapterOf } from '../../node/peft/adapter-of.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { COHORT_MAX, COHORT_MIN } from '../../protocols/limits.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { heldOutOf } from '../../sim/baselines.ts'
import { parseScenario, scenarioManifest } from '../../sim/scenario.ts'
import { privateRun } from './privacy/private-run.ts'
import { runBench, UsageError } from './run-bench.ts'

const adapters: Readonly<
  Record<string, { readonly rank: number; readonly targetModules: 'all-linear' | string[] }>
> = {
  small: { rank: 1, targetModules: ['o_proj'] },
  middle: { rank: 1, targetModules: 'all-linear' },
  large: { rank: 8, targetModules: 'all-linear' }
}

const usage = `usage: npm run bench:privacy -- [--json] [--adapters A,B] [--peers N,N] [--epsilons E,E] [--rounds N] [--steps N]
                                [--learning-rate X] [--clip X] [--seed N]

  --json             one JSON object on standard output
  --adapters A,B     of small (LoRA r 1 on o_proj, 384 coordinates), middle (r 1 on all linear layers, 3,328), large (r 8 on
                     all, 26,624); strategy ffa (default: all)
  --peers N,N        clients of the embedded data, ${COHORT_MIN} to ${COHORT_MAX} (default: 8,16)
  --epsilons E,E     of the whole run at delta 1e-5, or none (default: none,10,3)
  --rounds N         rounds (default: 6)
  --steps N          optimizer steps of a peer in a round (default: 4)
  --learning-rate X  of local training (default: 0.02)
  --clip X           clip norm over the square root of the coordinates (default: 0.006)
  --seed N           of the adapter (default: 1)

The embedded model. Training, encoding, noise, ring and server step are those of a run; keys, masks, which cancel, agreement and
network are left out. Everyone stays in every round. The noise is the least with which the rounds fit the epsilon, against the
colluders that a cohort tolerates. Held-out text in bits per byte, mean over the clients.`

interface Settings {
  readonly rounds: number
  readonly steps: number
  readonly learningRate: number
  readonly clip: number
  readonly seed: number
}

interface Row {
  readonly adapter: string
  readonly dimension: number
  readonly peers: number
  /** Spent; null without noise. */
  readonly epsilon: number | null
  readonly noiseMultiplier: number | null
  readonly noiseToClip: number | null
  readonly base: number
  readonly heldOut: number
}

function numbers(flag: string, text: string, least: number, most: number): number[] {
  return text.split(',').map(word => {
    const value = Number(word)
    if (word.trim() !== '' && value >= least && value <= most) return value
    throw new UsageError(`${flag}: "${word}" is not a number from ${least} to ${most}`)
  })
}

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      adapters: { type: 'string', default: Object.keys(adapters).join(',') },
      peers: { type: 'string', default: '8,16' },
      epsilons: { type: 'string', default: 'none,10,3' },
      rounds: { type: 'string', default: '6' },
      steps: { type: 'string', default: '4' },
      'learning-rate': { type: 'string', default: '0.02' },
      clip: { type: 'string', default: '0.006' },
      seed: { type: 'string', default: '1' }
    }
  })
  const one = (flag: string, text: string, least: number, most: number): number =>
    numbers(flag, text, least, most)[0]!
  const names = values.adapters.split(',')
  const unknown = names.find(name => !(name in adapters))
  if (unknown !== undefined) {
    throw new UsageError(`--adapters: no "${unknown}"; there are ${Object.keys(adapters).join(', ')}`)
  }
  return {
    json: values.json,
    help: values.help,
    adapters: names,
    peers: numbers('--peers', values.peers, COHORT_MIN, COHORT_MAX),
    epsilons: values.epsilons
      .split(',')
      .map(word => (word === 'none' ? null : numbers('--epsilons', word, 0.01, 1e4)[0]!)),
    settings: {
      rounds: one('--rounds', values.rounds, 1, 1000),
      steps: one('--steps', values.steps, 1, 1000),
      learningRate: one('--learning-rate', values['learning-rate'], 1e-6, 10),
      clip: one('--clip', values.clip, 1e-6, 1e3),
      seed: one('--seed', values.seed, 0, 2 ** 31)
    }
  }
}

/** One adapter and one cohort, with each epsilon. */
async function measure(
  base: BaseModel,
  clients: readonly SimClient[],
  name: string,
  epsilons: ReadonlyArray<number | null>,
  settings: Settings,
  onRow: (row: Row) => void
): Promise<void> {
  const { rounds, steps, learningRate, clip, seed } = settings
  const peers = clients.length
  const adapter = { kind: 'lora' as const, alpha: 16, ...adapters[name]! }
  const author = peerIdOf(new Uint8Array(32).fill(7))
  const manifestWith = (clipNorm: number, privacy: Record<string, unknown>) => {
    const training = { steps, learningRate, schedule: 'constant' }
    const manifest = {
      strategy: 'ffa',
      adapter,
      training,
      secureSum: { clipNorm, maxWeight: 1, ringBits: 20 },
      privacy
    }
    return scenarioManifest(parseScenario({ peers, rounds, seed, manifest }), author, {
      source: base.name,
      sha256: base.sha256
    })
  }
  const { seed: _, ...adapterSettings } = manifestWith(1, {}).adapter
  const { layout } = adapterOf(base.config, adapterSettings)
  const dimension = layout.tensors.reduce((sum, { factor, length }) => sum + (factor === 'B' ? length : 0), 0)
  const clipNorm = clip * Math.sqrt(dimension)
  const pool = openRunTrainers(manifestWith(clipNorm, {}), base, { trainers: 2 })
  try {
    const trainers = clients.map(({ shard }) => pool.open(shard))
    const heldOut = await heldOutOf(trainers, null)
    const baseHeldOut = heldOut.reduce((sum, x) => sum + x, 0) / peers
    for (const epsilon of epsilons) {
      const manifest =
        epsilon === null
          ? manifestWith(clipNorm, {})
          : withLeastNoise(manifestWith(clipNorm, { mechanism: 'skellam', epsilon, delta: 1e-5 }), layout)
      const result = await privateRun(manifest, trainers, nodeCrypto())
      const plan = privacyPlanOf(manifest, layout, peers, 0)
      onRow({
        adapter: name,
        dimension,
        peers,
        epsilon: result.epsilon,
        noiseMultiplier: plan?.settings.noiseMultiplier ?? null,
        noiseToClip: plan === null ? null : noiseToClip(plan.settings),
        base: baseHeldOut,
        heldOut: result.heldOut
      })
    }
  } finally {
    await pool.close()
  }
}

async function main(): Promise<void> {
  const wanted = options()
  if (wanted.help) return console.log(usage)
  const base = await openBaseModel(localModel('embedded'))
  const rows: Row[] = []
  const table = new Table({
    head: ['coordinates', 'peers', 'epsilon', 'z', 'noise / clip', 'base', 'held-out', 'against base'],
    style: { head: [], border: [] }
  })
  for (const peers of wanted.peers) {
    const clients = await openClients('sotu', peers, base.tokenizer, 96)
    for (const adapter of wanted.adapters) {
      await measure(base, clients, adapter, wanted.epsilons, wanted.settings, row => {
        rows.push(row)
        const cells = [
          String(row.dimension),
          String(row.peers),
          row.epsilon?.toFixed(2) ?? 'no noise',
          row.noiseMultiplier?.toPrecision(4) ?? '',
          row.noiseToClip?.toFixed(2) ?? '',
          row.base.toFixed(4),
          row.heldOut.toFixed(4),
          `${(100 * (row.heldOut / row.base - 1)).toFixed(2)} %`
        ]
        table.push(cells)
        console.error(cells.join('  '))
      })
    }
  }
  const [load] = loadavg()
  if (wanted.json)
    console.log(JSON.stringify({ settings: wanted.settings, delta: 1e-5, results: rows, loadAverage: load }))
  else console.log(table.toString())
}

await runBench(main, usage)
