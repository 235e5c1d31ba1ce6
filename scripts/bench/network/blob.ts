/** How fast a blob comes from one process to another, beside a bare libp2p stream and raw TCP in the same run. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
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
  const { child, holder } = await startHolder(listen, bytes)
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
    const times = { raw: [] as number[], bare: [] as number[], blob: [] as number[] }
    for (let i = 0; i < repeats; i++) {
      times.raw.push(await pullTcp(holder.tcpPort, bytes))
      times.bare.push(await pullStream(node, holder.stream, bytes))
      times.blob.push(await pullBlob())
    }
    const rate = (ms: readonly number[]): number => bytes / 1e3 / Math.min(...ms)
    const [raw, bare, blob] = [rate(times.raw), rate(times.bare), rate(times.blob)]
    say(
      `${transport}: blob ${blob.toFixed(0)} MB/s, bare stream ${bare.toFixed(0)}, raw TCP ${raw.toFixed(0)}`
    )
    return {
      transport,
      mbPerSecond: blob,
      bareStreamMbPerSecond: bare,
      rawTcpMbPerSecond: raw,
      ratioToBareStream: blob / bare,
      ratioToRawTcp: blob / raw
    }
  } finally {
    await network.close()
    await node.stop()
    child.stdin!.end()
    await once(child, 'close')
  }
}

async function startHolder(listen: string, bytes: number): Promise<{ child: ChildProcess; holder: Holder }> {
  const script = fileURLToPath(new URL('./holder.ts', import.meta.url))
  const child = spawn(process.execPath, [script, listen, String(bytes)], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  let text = ''
  for await (const part of child.stdout!.setEncoding('utf8')) {
    text += part
    if (text.includes('\n')) break
  }
  if (!text.includes('\n')) throw new Error('the process that has the bytes ended')
  return { child, holder: JSON.parse(text) as Holder }
}
