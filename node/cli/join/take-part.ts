/** One peer of one run, from its first connection to its last answer. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { UploadRates } from '../../../protocols/blob-exchange.ts'
import { fromHex, toHex } from '../../../protocols/hex.ts'
import type { Redemption } from '../../../protocols/messages.js'
import { privacyTermsOf } from '../../../protocols/privacy-account.ts'
import { watchForTwins } from '../../../protocols/twin-watch.ts'
import { PeerError } from '../../peer/errors.ts'
import type { ShareableModel } from '../../peer/model-sharing.ts'
import { createPatientPeer } from '../../peer/patient-peer.ts'
import type { Peer, PeerEvent, PeerResult } from '../../peer/peer-types.ts'
import { adapterFolder } from '../../peer/run-disk.ts'
import type { Identity } from '../../platform/identity.ts'
import { MaskThreads } from '../../platform/mask-threads.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { freeBytesAt, nodeFiles } from '../../platform/node-files.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { TrainError } from '../../train/errors.ts'
import type { Trainer } from '../../train/trainer.ts'
import { takeOrder } from '../author-order.ts'
import type { CommandHost } from '../host.ts'
import { twinWords } from '../identity-dir.ts'
import type { Operations } from '../observe/operations.ts'
import { endText, spentText } from '../privacy/run-privacy.ts'
import { placeText } from '../resolve-model.ts'
import type { Entry } from './entry.ts'
import { rememberPeers } from './known-peers.ts'
import { JoinProgress, totalBytes } from './progress.ts'
import { Resuming } from './resuming.ts'
import type { Resumption } from './resumption.ts'
import type { ChosenRun } from './run-source.ts'
import { bytesText } from './words.ts'
import type { Workshop } from './workshop.ts'

export interface Participation {
  readonly run: ChosenRun
  readonly workshop: Workshop
  readonly entry: Entry
  readonly identity: Identity
  readonly dir: string
  readonly lingerSeconds: number
  readonly upload: UploadRates
  /** Null for none. */
  readonly sharedModel: ShareableModel | null
  /** What the author makes of a pause, once; null to wait for the author. */
  readonly resume: Resumption | null
  /** What lets this peer in, in a run by invitation. */
  readonly redemption: Redemption | undefined
  readonly operations: Operations
}

/** @throws PeerError, ProtocolError, FilesError; the signal's reason if the run is not over yet */
export async function takePart(part: Participation, host: CommandHost): Promise<void> {
  const { run, workshop, entry, identity, dir, operations } = part
  const { output, signal } = host
  const files = nodeFiles(dir)
  const { network } = entry
  const masking = new MaskThreads()
  const { rounds } = run.manifest
  const progress = new JoinProgress(output, identity.peerId, rounds, privacyTermsOf(run.manifest), dir)
  const peer = createPatientPeer(
    {
      clock: systemClock,
      crypto: nodeCrypto(),
      signer: identity,
      network,
      files,
      trainer: workshop.trainer,
      masking,
      runs: entry.registry,
      log: operations.networkInit().log
    },
    {
      signedManifest: run.signed,
      examples: workshop.examples,
      upload: part.upload,
      ...(part.redemption === undefined ? {} : { redemption: part.redemption }),
      ...(part.sharedModel && { sharedModel: part.sharedModel })
    },
    { freeBytes: () => freeBytesAt(dir) }
  )
  operations.live.answer('order', args => takeOrder(args, run.id, peer))
  const measuring = new HeldOutLines(workshop.trainer, progress, host)
  const resuming = new Resuming(peer, part.resume, output.warn)
  operations.follow(run, peer)
  const stopListening = peer.on(event => {
    progress.take(event)
    operations.observer.take(event)
    resuming.take(event)
    if (event.type !== 'link' && event.type !== 'founded' && event.type !== 'caught-up') return
    measuring.take(event, peer)
    rememberPeers(files, network).catch(error => output.note(`cannot remember the peers: ${error}`))
  })
  const stopTwinWatch = watchForTwins({
    network,
    clock: systemClock,
    randomBytes: nodeCrypto().randomBytes,
    onTwin: witnesses => {
      const event = { type: 'warning', message: twinWords(identity.peerId, dir, witnesses) } as const
      progress.take(event)
      operations.observer.take(event)
    }
  })
  const stop = (): void => void peer.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    await peer.start()
    const result = await peer.finished
    await measuring.settled()
    signal.removeEventListener('abort', stop)
    reportEnd(part, peer, result, measuring.last, host)
    await linger(part.lingerSeconds, progress, signal)
  } catch (error) {
    if (signal.aborted && error instanceof PeerError && error.code === 'STOPPED') {
      progress.line('stopped before the run was over; the same command goes on from here')
      signal.throwIfAborted()
    }
    throw error
  } finally {
    stopListening()
    stopTwinWatch()
    signal.removeEventListener('abort', stop)
    await peer.stop()
    await masking.close()
  }
}

/** Held-out bits per byte of the base, and of the global adapter after each link, measured beside the rounds. */
class HeldOutLines {
  readonly #trainer: Trainer
  readonly #progress: JoinProgress
  readonly #host: CommandHost
  #working: Promise<void>
  /** The newest adapter not measured yet: a slow machine leaves some out. */
  #next: { readonly round: number; readonly adapter: Float32Array } | null = null
  #busy = true
  last: { readonly base: number; readonly adapted: number | null } = { base: Number.NaN, adapted: null }

  constructor(trainer: Trainer, progress: JoinProgress, host: CommandHost) {
    this.#trainer = trainer
    this.#progress = progress
    this.#host = host
    this.#working = this.#guard(async () => {
      const { bitsPerByte } = await trainer.evaluate({ adapter: null, split: 'heldOut' })
      this.last = { ...this.last, base: bitsPerByte }
      this.#tell(null, bitsPerByte, 'the base model alone')
      await this.#drain()
    })
  }

  take(event: PeerEvent, peer: Pick<Peer, 'adapter'>): void {
    const isNews = event.type === 'caught-up' || (event.type === 'link' && event.kind === 'result')
    if (!isNews) return
    const completed = event.tip.completedRounds
    if (completed === 0) return
    this.#next = { round: completed - 1, adapter: peer.adapter() }
    if (!this.#busy) this.#working = this.#guard(() => this.#drain())
  }

  /** The newest adapter is measured. */
  async settled(): Promise<void> {
    while (this.#busy || this.#next !== null) await this.#working
  }

  async #drain(): Promise<void> {
    while (this.#next !== null) {
      const { round, adapter } = this.#next
      this.#next = null
      const { bitsPerByte } = await this.#trainer.evaluate({ adapter, split: 'heldOut' })
      this.last = { ...this.last, adapted: bitsPerByte }
      this.#tell(round, bitsPerByte, `after round ${round + 1}`)
    }
  }

  #tell(round: number | null, bitsPerByte: number, when: string): void {
    this.#host.output.event({ event: 'held-out', round, bitsPerByte })
    this.#progress.line(`held-out text, ${when}: ${bitsPerByte.toFixed(4)} bits per byte`)
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    this.#busy = true
    try {
      await work()
    } catch (error) {
      this.#next = null
      // Taking part does not depend on it, and a peer that stops has closed its trainer.
      const isClosed = error instanceof TrainError && error.code === 'CLOSED'
      if (!isClosed) this.#host.output.warn(`cannot measure the held-out text: ${error}`)
    } finally {
      this.#busy = false
    }
  }
}

function reportEnd(
  { run, workshop, dir, identity }: Participation,
  peer: Peer,
  { completedRounds, stateHash, end, privacySpent }: PeerResult,
  heldOut: HeldOutLines['last'],
  { output }: CommandHost
): void {
  const adapterDir = join(dir, adapterFolder(fromHex(run.id)!))
  const { tip, bytes } = peer.status()
  const { sent, received } = totalBytes(bytes)
  const learnt =
    heldOut.adapted === null
      ? ''
      : ` Held-out text: ${heldOut.base.toFixed(4)} bits per byte with the base, ${heldOut.adapted.toFixed(4)} now.`
  const isNamed = placeText(workshop.base) === run.manifest.model.source
  const model = isNamed ? '' : ` --model ${placeText(workshop.base)}`
  output.say(
    `\nThe run is over: ${endText(run.manifest, completedRounds, end)}, state ${toHex(stateHash)}.${learnt}\n` +
      (privacySpent === null ? '' : `Privacy spent: ${spentText(privacySpent)}.\n`) +
      `${bytesText(sent)} sent and ${bytesText(received)} received in all.\n` +
      `The adapter lies in ${adapterDir}\n` +
      `Try it: fedpeft-node chat --adapter ${adapterDir}${model} --prompt "My fellow citizens,"\n`
  )
  output.event({
    event: 'done',
    run: run.id,
    peer: identity.peerId,
    completedRounds,
    end,
    privacySpent,
    height: tip?.height ?? null,
    linkSha256: tip === null ? null : toHex(tip.linkHash),
    stateSha256: toHex(stateHash),
    heldOutBitsPerByte: heldOut,
    bytes,
    adapterDir
  })
}

/** Ctrl-C is welcome here: the run is done. */
async function linger(seconds: number, progress: JoinProgress, signal: AbortSignal): Promise<void> {
  if (seconds === 0 || signal.aborted) return
  progress.line(`serving the others for ${seconds} s more; Ctrl-C ends it now`)
  await delay(seconds * 1000, undefined, { signal }).catch(() => {})
}
