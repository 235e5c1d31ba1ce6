/** The author sets the members of a paused run anew. */
import type { CryptoSuite, Signer } from '../../aggregation/crypto-suite.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import type { AuthorOrder } from '../../protocols/orders.ts'
import { pauseOf } from '../../protocols/pause.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { reconfigurationAfter } from '../../protocols/reconfiguration.ts'
import type { RoundEvent } from '../round/round-types.ts'
import type { EffectRunner } from './effect-runner.ts'
import { PeerError } from './errors.ts'
import type { RunDisk } from './run-disk.ts'

export interface ReconfigurePorts {
  readonly self: PeerId
  readonly run: RunContext
  readonly signer: Signer
  readonly crypto: CryptoSuite
  readonly disk: RunDisk
  readonly effects: EffectRunner
  /** Runs a task in turn with the events of the machine. */
  inTurn(task: () => Promise<RoundEvent | null>): void
}

/**
 * Resolves when the link is on the disk.
 * @param orders - carried out by the same link
 * @throws PeerError NOT_PAUSED; ProtocolError BAD_LINK if there are too few; FilesError
 */
export async function reconfigure(
  ports: ReconfigurePorts,
  members: readonly PeerId[],
  orders: readonly AuthorOrder[] = []
): Promise<void> {
  const { self, run, signer, crypto, disk, effects, inTurn } = ports
  const { author } = run.manifest
  if (self !== author) throw notPaused(`only the author of the run, ${author}, sets its members anew`)
  const done = Promise.withResolvers<void>()
  inTurn(async () => {
    try {
      const { tip } = disk.chain
      // While it is paused nobody else can add a link: so this one cannot make a fork.
      if (tip === null || pauseOf(tip, run.manifest) === null) throw notPaused('the run is not paused')
      const event = await effects.extend(reconfigurationAfter(tip, members, run, signer, crypto, orders))
      done.resolve()
      return event
    } catch (error) {
      done.reject(error)
      return null
    }
  })
  return done.promise
}

function notPaused(reason: string): PeerError {
  return new PeerError('NOT_PAUSED', { reason }, reason)
}
