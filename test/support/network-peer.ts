// One libp2p network in a process of its own, for hosts: `network-peer.ts boot` or `network-peer.ts join ADDRESS...`. Prints
// its addresses, then, at each change, a line of JSON with its connections; it asks every peer for a body and says who answered.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2pNetwork } from '../../node/platform/libp2p-network.ts'
import { BLOB_PROTOCOL } from '../../protocols/blob-messages.ts'

export interface PeerLine {
  readonly peer: string
  readonly addresses: readonly string[]
  /** `peer transport`, with `relayed` behind it where that is all there is. */
  readonly connections: readonly string[]
  /** Peers that sent a body of a hundred kilobytes. */
  readonly bodies: readonly string[]
}

const BODY_BYTES = 100_000

const [role, ...bootstrapAddresses] = process.argv.slice(2)
const identity = await generateKeyPair('Ed25519')
const network = await createLibp2pNetwork({
  identity,
  transports: 'internet',
  ...(role === 'boot'
    ? { listen: ['/ip4/0.0.0.0/tcp/4001'], isRelay: true }
    : { listen: ['/ip4/0.0.0.0/tcp/0', '/webrtc'], bootstrapAddresses })
})
network.serve(BLOB_PROTOCOL, 10, async function* () {
  yield new Uint8Array(BODY_BYTES)
})
const bodies = new Set<string>()
let last = ''

function tell(): void {
  const connections = network
    .connections()
    .map(({ peer, transport, relayed }) => `${peer} ${transport}${relayed ? ' relayed' : ''}`)
    .sort()
  const line: PeerLine = {
    peer: network.peerId,
    addresses: network.addresses(),
    connections,
    bodies: [...bodies]
  }
  const text = JSON.stringify(line)
  if (text !== last) console.log(text)
  last = text
}

network.onPeer((peer, connected) => {
  if (connected) void askFor(peer)
  else bodies.delete(peer)
})

async function askFor(peer: string): Promise<void> {
  try {
    const options = { timeoutMs: 10_000, maxFrameBytes: BODY_BYTES }
    for await (const frame of network.request(peer, BLOB_PROTOCOL, new Uint8Array(0), options)) {
      if (frame.length === BODY_BYTES) bodies.add(peer)
    }
  } catch {
    // Relayed: no bodies there.
  }
}

setInterval(tell, 200)
tell()
