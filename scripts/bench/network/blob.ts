/** How fast a blob comes from one process to another, beside a bare libp2p stream and raw TCP in the same run. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { temporaryIdentity } from '../../../node/platform/identity.ts'
import { createLibp2pNetwork } from '../../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { systemClock } from '../../../node/platform/system-clock.ts'
import { createBlobExchange } from '../../../protocols/blob-exchange.ts'
import { memorySink } from '../../../protocols/blob-storage.ts'
import { fromHex } from '../../../protocols/hex.ts'
import { bareNode, pullStream, pullTcp } from './bare.ts'

/** What the holder listens on, by the name of the transport. */
export const BLOB_TRANSPORTS: Readonly<Record<string, string>> = {
  tcp: '/ip4/127.0.0.1/tcp/0',
  websocket: '/ip4/127.0.0.1/tcp/0/ws',
  webrtc: '/ip4/127.0.0.1/udp/0/webrtc-direct'
}

export interface BlobRate {
  readonly transport: string
  readonly mbPerSecond: number
  readonly bareStreamMbPerSecond: number
  readonly rawTcpMbPerSecond: number
  readonly ratioToBareStream: number
  readonly ratioToRawTcp: number
  /** What a busy machine changes less than the time: processor seconds for 10^9 bytes. */
  readonly cpuSecondsPerGb: CpuOfBoth
  readonly bareStreamCpuSecondsPerGb: CpuOfBoth
}

/** Of the process that pulls, and of the one that serves. */
export interface CpuOfBoth {
  readonly pulling: number
  readonly serving: number
}

interface Measured {
  readonly ms: number
  readonly cpu: CpuOfBoth
}

export interface BlobOptions {
  readonly transport: string
  readonly bytes: number
  readonly repeats: number
  readonly say: (text: string) => void
}

interface Holder {
  readonly peer: string
  readonly blob: string
  readonly stream: string
  readonly tcpPort: number
}

/** The three take turns, so that what else the machine does meets all of them; of each the fastest counts. */
export async function measureBlob({ transport, bytes, repeats, say }: BlobOptions): Promise<BlobRate> {
  // Of both: a peer dials over WebRTC only if it was asked for.
  const listen = BLOB_TRANSPORTS[transport]!
  const { child, holder, cpuUs } = await startHolder(listen, bytes)
  const network = await createLibp2pNetwork({
    identity: (await temporaryIdentity()).privateKey,
    listen: [listen],
    transports: 'internet'
  })
  const node = await bareNode([listen])
  try {
    const blobs = createBlobExchange({ network, clock: systemClock, crypto: nodeCrypto(), allow: () => true })
    const peer = await network.dial(holder.peer)
    const target = new Uint8Array(bytes)
    const pullBlob = async (): Promise<number> => {
      const address = fromHex(holder.blob)!
      const startMs = performance.now()
      await blobs.fetch(address, memorySink(target), [peer], new AbortController().signal)
      const ms = performance.now() - startMs
      blobs.drop(address)
      return ms
    }
    const measured = async (pull: () => Promise<number>): Promise<Measured> => {
      const ours = process.cpuUsage()
      const theirsUs = await cpuUs()
      const ms = await pull()
      const { user, system } = process.cpuUsage(ours)
      // Microseconds for a byte are thousands of seconds for 10^9.
      const perGb = (us: number): number => (us / bytes) * 1e3
      return { ms, cpu: { pulling: perGb(user + system), serving: perGb((await cpuUs()) - theirsUs) } }
    }
    const of = { raw: [] as Measured[], bare: [] as Measured[], blob: [] as Measured[] }
    for (let i = 0; i < repeats; i++) {
      of.raw.push(await measured(() => pullTcp(holder.tcpPort, bytes)))
      of.bare.push(await measured(() => pullStream(node, holder.stream, bytes)))
      of.blob.push(await measured(pullBlob))
    }
    const rate = (all: readonly Measured[]): number => bytes / 1e3 / Math.min(...all.map(({ ms }) => ms))
    const [raw, bare, blob] = [rate(of.raw), rate(of.bare), rate(of.blob)]
    const [blobCpu, bareCpu] = [leastCpu(of.blob), leastCpu(of.bare)]
    say(
      `${transport}: blob ${blob.toFixed(0)} MB/s, bare stream ${bare.toFixed(0)}, raw TCP ${raw.toFixed(0)}; processor ` +
        `${cpuWords(blobCpu)} s for 1 GB (pulling + serving), bare stream ${cpuWords(bareCpu)}`
    )
    return {
      transport,
      mbPerSecond: blob,
      bareStreamMbPerSecond: bare,
      rawTcpMbPerSecond: raw,
      ratioToBareStream: blob / bare,
      ratioToRawTcp: blob / raw,
      cpuSecondsPerGb: blobCpu,
      bareStreamCpuSecondsPerGb: bareCpu
    }
  } finally {
    await network.close()
    await node.stop()
    child.stdin.end()
    await once(child, 'close')
  }
}

function leastCpu(all: readonly Measured[]): CpuOfBoth {
  return {
    pulling: Math.min(...all.map(({ cpu }) => cpu.pulling)),
    serving: Math.min(...all.map(({ cpu }) => cpu.serving))
  }
}

function cpuWords({ pulling, serving }: CpuOfBoth): string {
  return `${pulling.toFixed(1)} + ${serving.toFixed(1)}`
}

interface StartedHolder {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly holder: Holder
  /** Of the processor, that it has used so far, in microseconds. */
  cpuUs(): Promise<number>
}

async function startHolder(listen: string, bytes: number): Promise<StartedHolder> {
  const script = fileURLToPath(new URL('./holder.ts', import.meta.url))
  const child = spawn(process.execPath, [script, listen, String(bytes)], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<unknown> => {
    const { done, value } = await lines.next()
    if (done) throw new Error('the process that has the bytes ended')
    return JSON.parse(value)
  }
  const holder = (await answer()) as Holder
  const cpuUs = async (): Promise<number> => {
    child.stdin.write('\n')
    return (await answer()) as number
  }
  return { child, holder, cpuUs }
}
