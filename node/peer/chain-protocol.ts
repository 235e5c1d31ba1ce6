/** `/fedpeft/chain/1`: the founding list and the links of a run, from any peer to any other that may take part. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { extendChain, foundChain } from '../../protocols/chain.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { FRAME_BYTES, REQUEST_BODY_BYTES, REQUEST_TIMEOUT_MS } from '../../protocols/limits.ts'
import { ChainRequest } from '../../protocols/messages.js'
import type { Network, PeerId } from '../../protocols/ports.ts'
import { CHAIN_PROTOCOL } from '../../protocols/run-protocols.ts'
import type { ChainStore } from './chain-store.ts'

/**
 * Answers with the records from a height on; with nothing for another run, or to those who may not ask.
 * @returns a function that stops serving
 */
export function serveChain(
  network: Network,
  run: RunContext,
  chain: Pick<ChainStore, 'records'>,
  allow: (peer: PeerId) => boolean
): () => void {
  return network.serve(CHAIN_PROTOCOL, REQUEST_BODY_BYTES, async function* (from, body) {
    const request = decodeCanonical(ChainRequest, body, 'chain request')
    if (allow(from) && equalBytes(request.run, run.id)) yield* chain.records(request.fromHeight)
  })
}

export interface PulledChain {
  /** Records that follow the tip asked from, founding list first if there was none. */
  readonly records: readonly Uint8Array[]
  readonly tips: readonly ChainTip[]
}

/**
 * What another peer has beyond our tip. Every record is checked as it arrives, so a peer that sends anything else is
 * cut off at the first frame.
 * @param tip - null before the founding
 * @throws ProtocolError BAD_LINK, BAD_MESSAGE, BAD_SIGNATURE; NetworkError
 */
export async function pullChain(
  network: Network,
  run: RunContext,
  crypto: CryptoSuite,
  from: PeerId,
  tip: ChainTip | null
): Promise<PulledChain> {
  const fromHeight = tip === null ? 0 : tip.height + 1
  const body = ChainRequest.encode({ run: run.id, fromHeight })
  const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: FRAME_BYTES }
  const records: Uint8Array[] = []
  const tips: ChainTip[] = []
  let at = tip
  for await (const frame of network.request(from, CHAIN_PROTOCOL, body, options)) {
    at = at === null ? foundChain(frame, run, crypto) : extendChain(at, frame, run, crypto).tip
    records.push(frame)
    tips.push(at)
  }
  return { records, tips }
}
