// One libp2p network in a process of its own, for hosts: `network-peer.ts boot`, `network-peer.ts join ADDRESS...`, or
// `network-peer.ts local [KEY]` for mDNS, in a private network if there is a key. Prints a line of JSON at each change of
// its connections; it asks every peer for a body and says who answered.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2pNetwork, type Libp2pNetworkInit } from '../../node/platform/libp2p-network.ts'
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

const [role, ...rest] = process.argv.slice(2)
const roles: Readonly<Record<string, Omit<Libp2pNetworkInit, 'identity' | 'transports'>>> = {
  boot: { listen: ['/ip4/0.0.0.0/tcp/4001'], isRelay: true },
  join: { listen: ['/ip4/0.0.0.0/tcp/0', '/webrtc'], bootstrapAddresses: rest },
  local: {
    listen: ['/ip4/0.0.0.0/tcp/0'],
    mdns: true,
    ...(rest[0] === undefined
      ? {}
      : { networkKey: new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${rest[0]}\n`) })
  }
}
const identity = await generateKeyPair('Ed25519')
const network = await createLibp2pNetwork({ identity, transports: 'internet', ...roles[role!]! })
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
