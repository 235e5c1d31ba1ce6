/** Getting to where the others are: their links, each checked, and the one state after the last of them. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import { ProtocolError, type ProtocolErrorCode } from '../../protocols/errors.ts'
import type { Network, PeerId } from '../../protocols/ports.ts'
import { type PulledChain, pullChain } from './chain-protocol.ts'
import type { StateKeeper } from './state-keeper.ts'

export interface CatchUpPorts {
  readonly network: Network
  readonly run: RunContext
  readonly crypto: CryptoSuite
  readonly states: StateKeeper
  log(message: string): void
}

export interface CaughtUp extends PulledChain {
  readonly from: PeerId
  /** After the last record; the state of that hash is known to the keeper. */
  readonly tip: ChainTip
}

/** What no honest peer serves, as it has checked the same. */
const FALSE_CHAIN: ReadonlySet<ProtocolErrorCode> = new Set(['BAD_LINK', 'BAD_MESSAGE', 'BAD_SIGNATURE'])

/**
 * Asks one peer after the other until one has a longer chain (or, if the state of our own tip is not here, that
 * state) and the state after it can be had.
 * @param tip - where our chain stands, null before the founding
 * @returns null if nobody could help
 */
export async function catchUp(
  ports: CatchUpPorts,
  tip: ChainTip | null,
  candidates: readonly PeerId[],
  signal: AbortSignal
): Promise<CaughtUp | null> {
  for (const from of candidates) {
    if (signal.aborted) return null
    try {
      const caughtUp = await catchUpFrom(ports, tip, from, signal)
      if (caughtUp !== null) return caughtUp
    } catch (error) {
      if (signal.aborted) return null
      const isFalse = error instanceof ProtocolError && FALSE_CHAIN.has(error.code)
      const fault = isFalse ? 'sent a chain that does not hold' : 'could not help'
      if (isFalse) ports.network.blame?.(from, `a chain that does not hold: ${error.message}`)
      ports.log(`${from} ${fault}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return null
}

async function catchUpFrom(
  { network, run, crypto, states }: CatchUpPorts,
  tip: ChainTip | null,
  from: PeerId,
  signal: AbortSignal
): Promise<CaughtUp | null> {
  const pulled = await pullChain(network, run, crypto, from, tip)
  const newTip = pulled.tips.at(-1) ?? tip
  if (newTip === null) return null
  const hasState = await states.has(newTip.stateHash)
  if (pulled.records.length === 0 && hasState) return null
  const holders = (): PeerId[] => [from, ...network.peers().filter(peer => peer !== from)]
  if (!hasState) await states.pull(newTip.stateHash, holders, signal)
  return { ...pulled, from, tip: newTip }
}
