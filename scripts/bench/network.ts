// Measures the network: `npm run bench:network -- --help`.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { machineFacts } from '../../node/platform/doctor/machine-facts.ts'
import { COHORT_MAX, COHORT_MIN } from '../../protocols/limits.ts'
import { BLOB_TRANSPORTS, type BlobRate, measureBlob } from './network/blob.ts'
import { measureJoin } from './network/join.ts'
import { fullModelLines, measureWire, wireTable } from './network/wire-part.ts'
import { runBench, UsageError } from './run-bench.ts'

const usage = `usage: npm run bench:network -- [--json] [--parts NAME,NAME] [--transports NAME,NAME] [--megabytes N] [--repeats N]
                                [--peers N,N] [--d D]

  --json             one JSON object on standard output
  --parts NAME,…     what to measure (default: all): blob, wire, join
  --transports …     of blobs: ${Object.keys(BLOB_TRANSPORTS).join(', ')} (default: tcp,webrtc)
  --megabytes N      the length of the blob (default: 256)
  --repeats N        of each blob's measurement, of which the fastest counts, and of joining, of which the median does (default: 3)
  --peers N,N        of wire: sizes of the cohort (default: 4,8,16,32)
  --d D              of wire: numbers in the adapter (default: 1000000)

blob: MB/s of a blob from one process to another, in memory on both sides, each chunk hashed and checked; beside one libp2p stream with
the same settings that carries the same bytes and does nothing with them, and beside a TCP connection that does likewise. The three take
turns in the same run. Megabytes are millions of bytes.

wire: real peers over libp2p (noise, yamux, gossipsub) in one process, connected in memory, four of them over TCP too. Training is a
stand-in that adds small pseudo-random numbers; keys, shares, masks, agreement, blobs and chain are those of a run. All is counted that
a peer receives through its connections from the founding list to the end of the round, encryption included. The least is n - 1
masked inputs received by each verifier and one sum, as long as one of them, by everyone else.

join: a bootstrap and peers as processes of their own on loopback, with a tiny model and one step of training.`

const PARTS = ['blob', 'wire', 'join'] as const

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      parts: { type: 'string', default: PARTS.join(',') },
      transports: { type: 'string', default: 'tcp,webrtc' },
      megabytes: { type: 'string', default: '256' },
      repeats: { type: 'string', default: '3' },
      peers: { type: 'string', default: '4,8,16,32' },
      d: { type: 'string', default: '1000000' }
    }
  })
  const transports = namesOf('--transports', values.transports, Object.keys(BLOB_TRANSPORTS))
  return {
    json: values.json,
    help: values.help,
    parts: namesOf('--parts', values.parts, PARTS),
    transports,
    megabytes: whole('--megabytes', values.megabytes, 4000),
    repeats: whole('--repeats', values.repeats, 100),
    peers: values.peers.split(',').map(text => whole('--peers', text, COHORT_MAX, COHORT_MIN)),
    d: whole('--d', values.d, 100_000_000, 2)
  }
}

function namesOf(flag: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',')
  const wrong = names.find(name => !known.includes(name))
  if (wrong !== undefined) throw new UsageError(`${flag}: "${wrong}" is not one of ${known.join(', ')}`)
  return names
}

function whole(flag: string, text: string, max: number, min = 1): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`${flag}: "${text}" is not a whole number from ${min} to ${max}`)
}

async function main(): Promise<void> {
  const { json, help, parts, transports, megabytes, repeats, peers, d } = options()
  if (help) return console.log(usage)
  const say = (text: string) => console.error(text)
  const { cpu } = await machineFacts()
  const [load] = loadavg()
  say(`${cpu.model}, ${cpu.cores} cores, load ${load!.toFixed(1)}`)
  const blob: BlobRate[] = []
  if (parts.includes('blob'))
    for (const transport of transports)
      blob.push(await measureBlob({ transport, bytes: megabytes * 1_000_000, repeats, say }))
  const wire = parts.includes('wire') ? await measureWire({ peers, d, say }) : null
  const join = parts.includes('join') ? await measureJoin(repeats, say) : null
  if (json) {
    const machine = { processor: cpu.model, cores: cpu.cores, load, node: process.versions.node }
    const joined = join && { joinToFirstRoundMs: join.founderMs, join }
    console.log(
      JSON.stringify({ ...(parts.includes('blob') && { blob }), ...(wire && { wire }), ...joined, machine })
    )
    return
  }
  if (blob.length > 0) console.log(blobTable(blob))
  if (wire !== null) for (const line of [wireTable(wire), ...fullModelLines(wire)]) console.log(line)
  if (join !== null)
    console.log(
      `from join to the first round: ${join.founderMs} ms for one of ${join.founders} founders, ${join.newcomerMs} ms for a ` +
        `newcomer; ${join.listeningMs} ms of it until the process listens`
    )
}

function blobTable(rates: readonly BlobRate[]): string {
  const rows = new Table({
    head: ['transport', 'blob MB/s', 'bare stream', 'raw TCP', 'of the bare stream', 'of raw TCP'],
    style: { head: [], border: [] }
  })
  for (const rate of rates)
    rows.push([
      rate.transport,
      ...[rate.mbPerSecond, rate.bareStreamMbPerSecond, rate.rawTcpMbPerSecond].map(x => x.toFixed(0)),
      ...[rate.ratioToBareStream, rate.ratioToRawTcp].map(x => x.toFixed(2))
    ])
  return rows.toString()
}

await runBench(main, usage)
