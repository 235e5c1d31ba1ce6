// Measures the network: `npm run bench:network -- --help`.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { machineFacts } from '../../node/platform/doctor/machine-facts.ts'
import { BLOB_TRANSPORTS, type BlobRate, measureBlob } from './network/blob.ts'

const usage = `usage: npm run bench:network -- [--json] [--parts NAME,NAME] [--transports NAME,NAME] [--megabytes N] [--repeats N]

  --json             one JSON object on standard output
  --parts NAME,…     what to measure (default: all): blob
  --transports …     of blobs: ${Object.keys(BLOB_TRANSPORTS).join(', ')} (default: tcp,webrtc)
  --megabytes N      the length of the blob (default: 256)
  --repeats N        of each measurement, of which the fastest counts (default: 3)

blob: MB/s of a blob from one process to another, in memory on both sides, each chunk hashed and checked; beside one libp2p stream with
the same settings that carries the same bytes and does nothing with them, and beside a TCP connection that does likewise. The three take
turns in the same run. Megabytes are millions of bytes.`

class UsageError extends Error {}

const PARTS = ['blob'] as const

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      parts: { type: 'string', default: PARTS.join(',') },
      transports: { type: 'string', default: 'tcp,webrtc' },
      megabytes: { type: 'string', default: '256' },
      repeats: { type: 'string', default: '3' }
    }
  })
  const transports = namesOf('--transports', values.transports, Object.keys(BLOB_TRANSPORTS))
  return {
    json: values.json,
    help: values.help,
    parts: namesOf('--parts', values.parts, PARTS),
    transports,
    megabytes: whole('--megabytes', values.megabytes, 4000),
    repeats: whole('--repeats', values.repeats, 100)
  }
}

function namesOf(flag: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',')
  const wrong = names.find(name => !known.includes(name))
  if (wrong !== undefined) throw new UsageError(`${flag}: "${wrong}" is not one of ${known.join(', ')}`)
  return names
}

function whole(flag: string, text: string, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new UsageError(`${flag}: "${text}" is not a whole number from 1 to ${max}`)
}

async function main(): Promise<void> {
  const { json, help, parts, transports, megabytes, repeats } = options()
  if (help) return console.log(usage)
  const say = (text: string) => console.error(text)
  const { cpu } = await machineFacts()
  const [load] = loadavg()
  say(`${cpu.model}, ${cpu.cores} cores, load ${load!.toFixed(1)}`)
  const blob: BlobRate[] = []
  if (parts.includes('blob'))
    for (const transport of transports)
      blob.push(await measureBlob({ transport, bytes: megabytes * 1_000_000, repeats, say }))
  if (json) {
    const machine = { processor: cpu.model, cores: cpu.cores, load, node: process.versions.node }
    console.log(JSON.stringify({ ...(parts.includes('blob') && { blob }), machine }))
    return
  }
  if (blob.length > 0) console.log(blobTable(blob))
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

try {
  await main()
} catch (error) {
  const code = (error as { code?: unknown }).code
  const isUsage = error instanceof UsageError || String(code).startsWith('ERR_PARSE_ARGS')
  if (!isUsage) throw error
  console.error(`${(error as Error).message}\n\n${usage}`)
  process.exitCode = 2
}
