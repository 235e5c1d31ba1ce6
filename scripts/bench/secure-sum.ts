// Measures the secure sum: `npm run bench:secure-sum -- --help`.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { RING_WIDTHS, type RingBits } from '../../aggregation/ring.ts'
import { machineFacts } from '../../node/platform/doctor/machine-facts.ts'
import { COHORT_MAX } from '../../protocols/limits.ts'
import { faultsOf } from '../../protocols/quorum.ts'
import { runBench, UsageError } from './run-bench.ts'
import {
  type CipherRate,
  cipherRate,
  type FlowerRate,
  flowerRate,
  plainAverageMs
} from './secure-sum/others.ts'
import { type SumRatios, sumRatios } from './secure-sum/ratios.ts'
import { measureRound, type SumResult } from './secure-sum/round.ts'

const usage = `usage: npm run bench:secure-sum -- [--json] [--cohorts N,N] [--dropped F,F] [--d D] [--lane-bits B,B] [--repeats N]
                                   [--python PROGRAM]

  --json            one JSON object on standard output
  --cohorts N,N     sizes of the cohort, 4 to ${COHORT_MAX} (default: 8,16,32,64)
  --dropped F,F     fractions that drop out after they have masked their input, rounded down to whole peers (default: 0,0.1,0.3)
  --d D             coordinates (default: 1000000)
  --lane-bits B,B   of ${RING_WIDTHS.join(', ')} (default: 16)
  --repeats N       of each measurement, of which the fastest counts (default: 3)
  --python PROGRAM  a Python that has flwr, to compare with Flower's SecAgg+ (scripts/bench/flower-requirements.txt)

Keys, shares, messages, encoding, masking, recovery and decoding are those of a round; network, disk and agreement are left
out. Times are CPU time of all threads. One peer: what it computes until its masked input is out, with the signatures of the
others' shares. The aggregator: from the bundles of shares to the decoded sum. An expansion is one mask on one vector.

  toRawCipher       key stream per second that becomes masks, of what the cipher alone makes (openssl speed, if it is here)
  toPlainAverage    the aggregator's time to that of a mean that hides nothing, largest cohort, fewest drop-outs
  toFlower          our rate of expansions to Flower's

Rates are those of all results together, every expansion counting the same. Short measurements are repeated more often.`

function numbers(flag: string, text: string, holds: (value: number) => boolean, what: string): number[] {
  const values = text.split(',').map(Number)
  const wrong = values.findIndex(value => !holds(value))
  if (wrong >= 0) throw new UsageError(`${flag}: "${text.split(',')[wrong]}" is not ${what}`)
  return values
}

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      cohorts: { type: 'string', default: '8,16,32,64' },
      dropped: { type: 'string', default: '0,0.1,0.3' },
      d: { type: 'string', default: '1000000' },
      'lane-bits': { type: 'string', default: '16' },
      repeats: { type: 'string', default: '3' },
      python: { type: 'string' }
    }
  })
  const whole = (min: number, max: number) => (value: number) =>
    Number.isInteger(value) && value >= min && value <= max
  const one = (flag: 'd' | 'repeats', max: number) =>
    numbers(`--${flag}`, values[flag], whole(1, max), `a whole number from 1 to ${max}`)[0]!
  const cohorts = numbers(
    '--cohorts',
    values.cohorts,
    whole(4, COHORT_MAX),
    `a whole number from 4 to ${COHORT_MAX}`
  )
  const dropped = numbers(
    '--dropped',
    values.dropped,
    value => value >= 0 && value < 1,
    'a number from 0 to below 1'
  )
  const tooMany = cohorts.find(n => dropped.some(fraction => Math.floor(fraction * n) > faultsOf(n)))
  if (tooMany !== undefined)
    throw new UsageError(`--dropped: of ${tooMany} peers at most ${faultsOf(tooMany)} may drop out`)
  const isWidth = (value: number) => (RING_WIDTHS as readonly number[]).includes(value)
  return {
    json: values.json,
    help: values.help,
    python: values.python,
    cohorts,
    dropped: dropped.sort((a, b) => a - b),
    laneBits: numbers(
      '--lane-bits',
      values['lane-bits'],
      isWidth,
      `one of ${RING_WIDTHS.join(', ')}`
    ) as RingBits[],
    d: one('d', 100_000_000),
    repeats: one('repeats', 100)
  }
}

/** Programs that compute at the same time, on average over a minute. */
const idleLoad = 0.5

async function main(): Promise<void> {
  const { json, help, python, cohorts, dropped, laneBits, d, repeats } = options()
  if (help) return console.log(usage)
  const say = (text: string) => console.error(text)
  const { cpu } = await machineFacts()
  const [load] = loadavg()
  say(`${cpu.model}, ${cpu.cores} cores`)
  if (load! > idleLoad)
    say(`other programs compute as well (load ${load!.toFixed(1)}): caches and clock are not ours alone`)
  const results: SumResult[] = []
  for (const bits of laneBits)
    for (const n of cohorts)
      results.push(...(await measureRound({ n, d, laneBits: bits, dropped, repeats, say })))
  const cipher = await cipherRate()
  say(`AES-256-CTR: ${(cipher.bytesPerSecond / 1e9).toFixed(2)} GB/s (${cipher.source})`)
  const plainMs = await plainAverageMs(Math.max(...cohorts), d, repeats)
  const flower = await flowerOrNull(python, d, repeats, say)
  const ratios = sumRatios(results, cipher.bytesPerSecond, plainMs, flower?.nsPerElementExpansion ?? null)
  if (json) {
    const machine = { processor: cpu.model, cores: cpu.cores, load, node: process.versions.node }
    console.log(JSON.stringify({ results, ratios, machine, cipher, plainAverageCpuMs: plainMs, flower }))
    return
  }
  console.log(timesTable(results))
  console.log(bytesTable(results))
  for (const line of ratioLines(ratios, cipher, plainMs, flower)) console.log(line)
}

async function flowerOrNull(
  python: string | undefined,
  d: number,
  repeats: number,
  say: (text: string) => void
): Promise<FlowerRate | null> {
  if (python === undefined) {
    say('Flower: not measured (name a Python that has flwr with --python)')
    return null
  }
  const flower = await flowerRate(python, d, repeats)
  say(`Flower ${flower.version}: ${flower.nsPerElementExpansion.toFixed(2)} ns per element and expansion`)
  return flower
}

function timesTable(results: readonly SumResult[]): string {
  const rows = new Table({
    head: [
      'bits',
      'n',
      'dropped',
      'peer ms',
      'aggregator ms',
      'ns/(element expansion)',
      'bytes/coordinate',
      'nmse'
    ],
    style: { head: [], border: [] }
  })
  for (const result of results) {
    const { laneBits, n, dropped, peerCpuMs, aggregatorCpuMs, nsPerElementExpansion, nmse } = result
    rows.push([
      ...[laneBits, n, `${Math.floor(dropped * n)} (${100 * dropped} %)`],
      ...[peerCpuMs.toFixed(0), aggregatorCpuMs.toFixed(0), nsPerElementExpansion.toFixed(2)],
      ...[result.uploadBytesPerCoordinate.toFixed(4), nmse.toExponential(1)]
    ])
  }
  return rows.toString()
}

/** Of one peer, by the phase in which it says them. */
function bytesTable(results: readonly SumResult[]): string {
  const phases = ['keys', 'shares', 'maskedInput', 'header', 'agreement', 'unmasking'] as const
  const rows = new Table({
    head: ['bytes of one peer', 'bits', 'dropped', ...phases],
    style: { head: [], border: [] }
  })
  for (const { n, laneBits, dropped, bytesPerPeer } of results)
    rows.push([`n = ${n}`, laneBits, dropped, ...phases.map(phase => bytesPerPeer[phase])])
  return rows.toString()
}

function ratioLines(
  { toRawCipher, toPlainAverage, toFlower }: SumRatios,
  cipher: CipherRate,
  plainMs: number,
  flower: FlowerRate | null
): string[] {
  const ofFlower =
    flower === null
      ? 'not measured'
      : `${toFlower!.toFixed(1)} times (${flower.nsPerElementExpansion.toFixed(2)} ns, flwr ${flower.version})`
  return [
    `of the raw cipher: ${(100 * toRawCipher).toFixed(0)} % of ${(cipher.bytesPerSecond / 1e9).toFixed(2)} GB/s (${cipher.source})`,
    `to a plain average: ${toPlainAverage.toFixed(1)} times its ${plainMs.toFixed(0)} ms`,
    `to Flower's rate: ${ofFlower}`
  ]
}

await runBench(main, usage)
