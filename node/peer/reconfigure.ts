/** The author sets the members anew of a run that is paused, or has lost its quorum. */
import type { CryptoSuite, Signer } from '../../aggregation/crypto-suite.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import type { AuthorOrder } from '../../protocols/orders.ts'
import { pauseOf } from '../../protocols/pause.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { reconfigurationAfter } from '../../protocols/reconfiguration.ts'
import { standDownsNeeded } from '../../protocols/stand-down.ts'
import type { RunState } from '../round/round-state.ts'
import type { Notice, RoundEvent } from '../round/round-types.ts'
import { cohortInReach } from '../round/standing-down.ts'
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
  /** The machine's. */
  state(): RunState
  push(event: RoundEvent): void
  /** @returns a function that ends it */
  onNotice(listen: (notice: Notice) => void): () => void
  /** Runs a task in turn with the events of the machine. */
  inTurn(task: () => Promise<RoundEvent | null>): void
}

/**
 * Resolves when the link is on the disk. Of a run that is not paused, but has lost its quorum, the members that are left are
 * asked to stand down first, which takes as long as they take.
 * @param orders - carried out by the same link, of a paused run
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
  const parent = disk.chain.tip
  if (parent === null) throw notPaused('the run has not begun')
  const isPaused = pauseOf(parent, run.manifest) !== null
  if (!isPaused && orders.length > 0) throw notPaused('the run is not paused')
  const standDowns = isPaused ? [] : await standDownsOf(ports)
  const done = Promise.withResolvers<void>()
  inTurn(async () => {
    try {
      const { tip } = disk.chain
      // Paused, or without a quorum, nobody else can add a link here: so this one cannot make a fork.
      if (tip !== parent) throw notPaused('the run has gone on meanwhile')
      const link = reconfigurationAfter(tip, members, run, signer, crypto, orders, standDowns)
      const event = await effects.extend(link)
      done.resolve()
      return event
    } catch (error) {
      done.reject(error)
      return null
    }
  })
  return done.promise
}

/** @throws PeerError NOT_PAUSED if a quorum is here, or somebody may know of a link */
async function standDownsOf({ self, state, push, onNotice }: ReconfigurePorts): Promise<SignedMessage[]> {
  const { attempt, reach } = state()
  if (attempt === null) throw notPaused('this peer is not in the cohort of the round under way')
  const here = cohortInReach(attempt, reach, self)
  if (here.length >= attempt.quorum) {
    const who = `${here.length} of ${attempt.cohort.length} members are here, and ${attempt.quorum} are enough`
    throw notPaused(`the run is not paused: ${who}`)
  }
  const need = standDownsNeeded(attempt.cohort)
  if (here.length < need) {
    throw notPaused(
      `${here.length} of ${attempt.cohort.length} members are here: with fewer than ${need} nobody can be sure that the ` +
        'others do not go on by themselves'
    )
  }
  const enough = Promise.withResolvers<void>()
  const stop = onNotice(notice => {
    if (notice.notice === 'link') enough.reject(notPaused('the run has gone on meanwhile'))
    if (notice.notice !== 'stood-down') return
    const { have, locked } = notice
    if (locked.length > 0) {
      enough.reject(
        notPaused(
          `${locked.join(', ')} may know of a link that members who are missing have certified: bring one of those back`
        )
      )
    } else if (have >= need) enough.resolve()
  })
  push({ type: 'stand-down' })
  try {
    await enough.promise
  } finally {
    stop()
  }
  return [...(state().attempt?.standDowns.said.values() ?? [])]
}

function notPaused(reason: string): PeerError {
  return new PeerError('NOT_PAUSED', { reason }, reason)
}
