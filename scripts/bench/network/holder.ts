// The other process of the benchmark: has the bytes, says where, and ends when its standard input does.
import { randomFillSync } from 'node:crypto'
import { createInterface } from 'node:readline'
import { temporaryIdentity } from '../../../node/platform/identity.ts'
import { createLibp2pNetwork } from '../../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { systemClock } from '../../../node/platform/system-clock.ts'
import { createBlobExchange } from '../../../protocols/blob-exchange.ts'
import { toHex } from '../../../protocols/hex.ts'
import { bareNode, portOf, serveStream, serveTcp } from './bare.ts'

const [listen, bytesText] = process.argv.slice(2) as [string, string]
const bytes = Number(bytesText)

const network = await createLibp2pNetwork({
  identity: (await temporaryIdentity()).privateKey,
  listen: [listen],
  transports: 'internet'
})
const blobs = createBlobExchange({ network, clock: systemClock, crypto: nodeCrypto(), allow: () => true })
const blob = new Uint8Array(bytes)
for (let at = 0; at < bytes; at += 2 ** 30) randomFillSync(blob, at, Math.min(2 ** 30, bytes - at))
const address = toHex(blobs.put(blob))
const node = await bareNode([listen])
await serveStream(node, bytes)
const server = await serveTcp(bytes)
console.log(
  JSON.stringify({
    peer: network.addresses()[0],
    blob: address,
    stream: String(node.getMultiaddrs()[0]),
    tcpPort: portOf(server)
  })
)
// Asked by any line how much of the processor this process has used so far, it answers in microseconds.
createInterface({ input: process.stdin })
  .on('line', () => {
    const { user, system } = process.cpuUsage()
    console.log(JSON.stringify(user + system))
  })
  .on('close', () => process.exit(0))
