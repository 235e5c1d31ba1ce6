/**
 * Peers met before, kept in the peer's folder: a peer that comes back finds the others even if the address that it
 * first joined through is gone. Hints only: a connection is encrypted to the peer id, so a stale one costs a dial.
 */

import { PEER_EXCHANGE_BYTES, REQUEST_TIMEOUT_MS } from '../../../protocols/limits.ts'
import { decodeKnownPeers, PEERS_PROTOCOL } from '../../../protocols/peer-exchange.ts'
import type { Files, Network } from '../../../protocols/ports.ts'

const FILE = 'known-peers.json'

/** Enough to find one that is still there; more would be dialled in vain at every start. */
const ADDRESSES_MAX = 32

/** Each names those that it is connected to, so two nearly always name everyone, each other too. */
const ASKED = 2

/** @returns multiaddrs with peer ids, the last ones met first; none if the file is missing or damaged. @throws FilesError */
export async function readKnownPeers(files: Files): Promise<string[]> {
  const bytes = await files.read(FILE)
  if (bytes === null) return []
  try {
    const addresses: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return Array.isArray(addresses)
      ? addresses.filter(address => typeof address === 'string' && /^\/.+\/p2p\/[^/]+$/.test(address))
      : []
  } catch {
    return []
  }
}

/** Asks connected peers whom they know, and writes that down. Does nothing if nobody answers. @throws FilesError */
export async function rememberPeers(files: Files, network: Network): Promise<void> {
  const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: PEER_EXCHANGE_BYTES }
  const found = new Set<string>()
  for (const asked of network.peers().slice(-ASKED)) {
    try {
      for await (const frame of network.request(asked, PEERS_PROTOCOL, new Uint8Array(0), options)) {
        for (const { peer, addresses } of decodeKnownPeers(frame)) {
          if (peer === network.peerId) continue
          for (const address of addresses) found.add(withPeerId(address, peer))
        }
        break
      }
    } catch {
      // It has gone, or answers nonsense: what the others say is enough.
    }
  }
  if (found.size === 0) return
  const before = await readKnownPeers(files)
  const kept = [...found, ...before.filter(address => !found.has(address))].slice(0, ADDRESSES_MAX)
  await files.write(FILE, new TextEncoder().encode(`${JSON.stringify(kept, null, 2)}\n`))
}

function withPeerId(address: string, peer: string): string {
  // Not any `/p2p/`: an address through a relay has the relay's in front.
  const named = `/p2p/${peer}`
  return address.endsWith(named) ? address : `${address}${named}`
}
