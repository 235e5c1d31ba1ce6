// Measures a training step of LoRA on every backend of this machine, beside its limit of matrix products:
// `npm run bench:train -- --help`.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { backendNames } from '../../node/backend/backend.ts'
import { machineFacts } from '../../node/platform/doctor/machine-facts.ts'
import { runBackendTrial } from '../../node/platform/doctor/run-backend-trial.ts'
import { type MatmulLimit, matmulLimit } from './limit.ts'
import { measurePytorch, measureStep, type StepMeasurement } from './measurements.ts'
import { type BenchResult, ratiosOf } from './ratios.ts'
import { runBench, UsageError } from './run-bench.ts'
import { type ShapeName, shapeNames, shapes } from './shapes.ts'

const usage = `usage: npm run bench:train -- [--json] [--backends A,B] [--shapes A,B] [--threads 1,2] [--seconds S]
                              [--repeats N] [--python PROGRAM]

  --json            one JSON object on standard output
  --backends A,B    of ${[...backendNames, 'stock-wasm'].join(', ')} (default: all that are here)
  --shapes A,B      of ${shapeNames.join(', ')} (default: both)
  --threads A,B     numbers of threads to measure tensorflow, wasm and PyTorch with (default: 1,2)
  --seconds S       of each measurement, at least two steps (default: 5)
  --repeats N       of each measurement, of which the fastest counts (default: 1)
  --python PROGRAM  a Python to compare with that has torch, transformers and peft (see docs/backends.md); numpy alone,
                    also of the plain python3, gives the limit of OpenBLAS

A step is forward, backward and AdamW on LoRA of rank 8 at queries and values; weights and tokens are random, in float32.
  d256l6        6 layers, width 256, 4 heads, 2 of keys, gated layers of 688, vocabulary 1024; 4 sequences of 128 tokens
  smollm2-135m  30 layers, width 576, 9 heads, 3 of keys, gated layers of 1536, vocabulary 49152; 1 sequence of 128 tokens

stock-wasm is @tensorflow/tfjs-backend-wasm with composed operations. cpu, and webgpu on a driver in software, take minutes
for a step of smollm2-135m: they are measured on it only when they are named.`

/** Programs that compute at the same time, on average over a minute. */
const idleLoad = 0.5

/** Not shipped: what ours is compared with. */
const stockWasm = 'stock-wasm'
const threaded: ReadonlySet<string> = new Set(['tensorflow', 'wasm'])
const slow: ReadonlySet<string> = new Set(['cpu', 'webgpu', stockWasm])

interface Skipped {
  readonly backend: string
  readonly shape: ShapeName | null
  readonly reason: string
}

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      backends: { type: 'string' },
      shapes: { type: 'string', default: shapeNames.join(',') },
      threads: { type: 'string', default: '1,2' },
      seconds: { type: 'string', default: '5' },
      repeats: { type: 'string', default: '1' },
      python: { type: 'string' }
    }
  })
  const known = [...backendNames, stockWasm]
  const named = values.backends?.split(',')
  return {
    ...values,
    backends: chosen('--backends', named ?? known, known),
    areNamed: named !== undefined,
    shapes: chosen('--shapes', values.shapes.split(','), shapeNames),
    threads: values.threads.split(',').map(text => positive('--threads', text)),
    seconds: positive('--seconds', values.seconds),
    repeats: positive('--repeats', values.repeats)
  }
}

function chosen<T extends string>(flag: string, given: readonly string[], known: readonly T[]): T[] {
  const wrong = given.find(name => !(known as readonly string[]).includes(name))
  if (wrong !== undefined) throw new UsageError(`${flag}: "${wrong}" is none of ${known.join(', ')}`)
  return given as T[]
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`${flag}: "${text}" is not a number above 0`)
  return value
}

async function main(): Promise<void> {
  const asked = options()
  if (asked.help) return console.log(usage)
  const say = (text: string) => console.error(text)
  const { cpu } = await machineFacts()
  const [load] = loadavg()
  say(`${cpu.model}, ${cpu.cores} cores`)
  if (load! > idleLoad)
    say(`other programs compute as well (load ${load!.toFixed(1)}): tokens per second will be too low`)
  const skipped: Skipped[] = []
  const present = await presentBackends(asked.backends, skipped)
  const results: BenchResult[] = []
  const limits = new Map<ShapeName, MatmulLimit>()
  for (const name of asked.shapes) {
    const limit = await matmulLimit(shapes[name], asked.python ?? 'python3')
    limits.set(name, limit)
    say(`${name}: products at ${limit.gflopPerCpuSecond.toFixed(1)} GFLOP per CPU-second (${limit.source})`)
    if (limit.caveat !== null) say(limit.caveat)
    const add = async (backend: string, threads: number, measure: () => Promise<StepMeasurement>) => {
      const result = resultOf(backend, name, await fastest(measure, asked.repeats), limit, threads)
      results.push(result)
      say(rowText(result))
    }
    for (const [backend, isSlow] of present) {
      if (isSlow && backend !== stockWasm && name === 'smollm2-135m' && !asked.areNamed) {
        skipped.push({ backend, shape: name, reason: 'a step takes minutes: name it with --backends' })
        continue
      }
      for (const threads of threaded.has(backend) ? asked.threads : [1]) {
        await add(backend, threads, () => measureStep(backend, name, threads, asked.seconds, isSlow))
        if (backend === 'tensorflow' && asked.python !== undefined) {
          const python = asked.python
          await add('pytorch', threads, () => measurePytorch(python, name, threads, asked.seconds))
        }
      }
    }
  }
  const ratios = ratiosOf(results)
  if (asked.json) {
    const machine = { processor: cpu.model, cores: cpu.cores, load, node: process.versions.node }
    console.log(JSON.stringify({ results, ratios, machine, limits: Object.fromEntries(limits), skipped }))
    return
  }
  console.log(table(results))
  for (const [name, ratio] of Object.entries(ratios))
    console.log(`${name}: ${ratio?.toFixed(2) ?? 'not measured'}`)
  for (const { backend, shape, reason } of skipped)
    console.log(`not measured: ${backend}${shape ? ` on ${shape}` : ''}: ${reason}`)
}

/** @returns whether each is slow, by name */
async function presentBackends(names: readonly string[], skipped: Skipped[]): Promise<Map<string, boolean>> {
  const present = new Map<string, boolean>()
  for (const name of names) {
    if (name === stockWasm) {
      present.set(name, true)
      continue
    }
    const outcome = await runBackendTrial(name as (typeof backendNames)[number], 1)
    if (outcome.kind === 'works') present.set(name, slow.has(name) && outcome.gflopPerSecond < 10)
    else skipped.push({ backend: name, shape: null, reason: outcome.reason })
  }
  return present
}

async function fastest(measure: () => Promise<StepMeasurement>, repeats: number): Promise<StepMeasurement> {
  let best = await measure()
  for (let i = 1; i < repeats; i++) {
    const next = await measure()
    if (next.tokensPerSecond > best.tokensPerSecond) best = next
  }
  return best
}

function resultOf(
  backend: string,
  shape: ShapeName,
  measured: StepMeasurement,
  limit: MatmulLimit,
  threads: number
): BenchResult {
  const { tokensPerSecond, gflopPerCpuSecond, peakMemoryBytes } = measured
  return {
    backend,
    shape,
    threads,
    tokensPerSecond,
    gflopPerCpuSecond,
    limitGflopPerCpuSecond: limit.gflopPerCpuSecond,
    ratioToLimit: limit.caveat === null ? gflopPerCpuSecond / limit.gflopPerCpuSecond : null,
    peakMemoryBytes
  }
}

function rowText(result: BenchResult): string {
  const { backend, shape, threads, tokensPerSecond, gflopPerCpuSecond, peakMemoryBytes } = result
  return (
    `${shape}, ${backend} with ${threads} ${threads === 1 ? 'thread' : 'threads'}: ${tokensPerSecond.toFixed(1)} tokens per second, ` +
    `${gflopPerCpuSecond.toFixed(1)} GFLOP per CPU-second, ${(peakMemoryBytes / 1e6).toFixed(0)} MB`
  )
}

function table(results: readonly BenchResult[]): string {
  const rows = new Table({
    head: ['shape', 'backend', 'threads', 'tokens/s', 'GFLOP/CPU-s', 'of the limit', 'peak MB'],
    style: { head: [], border: [] }
  })
  for (const result of results) {
    const { shape, backend, threads, tokensPerSecond, gflopPerCpuSecond, ratioToLimit, peakMemoryBytes } =
      result
    rows.push([
      ...[shape, backend, threads, tokensPerSecond.toFixed(1), gflopPerCpuSecond.toFixed(1)],
      ...[ratioToLimit?.toFixed(2) ?? 'not known', (peakMemoryBytes / 1e6).toFixed(0)]
    ])
  }
  return rows.toString()
}

await runBench(main, usage)
