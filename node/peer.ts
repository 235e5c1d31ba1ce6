/**
 * One peer of a run: the round's machine and everything around it, put together over the ports. The same code runs
 * on libp2p and in a simulation.
 */

import type { PrivacySpent } from '../aggregation/replicated-state.ts'
import type { RunContext } from '../protocols/chain-tip.ts'
import { FilesError } from '../protocols/files-error.ts'
import { toHex } from '../protocols/hex.ts'
import type { PeerId } from '../protocols/ports.ts'
import { privacyTermsOf } from '../protocols/privacy-account.ts'
import { verifyManifest } from '../protocols/signed-manifest.ts'
import { checkAdmission, notAdmitted } from './peer/admission.ts'
import type { AuthorCommand, Ordered } from './peer/author-commands.ts'
import { AuthorDesk } from './peer/author-desk.ts'
import { ByteAccount } from './peer/byte-account.ts'
import { serveChain } from './peer/chain-protocol.ts'
import { PeerError } from './peer/errors.ts'
import { openParts, type Parts } from './peer/peer-parts.ts'
import type { Peer, PeerConfig, PeerEvent, PeerPorts, PeerResult, PeerStatus } from './peer/peer-types.ts'
import { type ReconfigurePorts, reconfigure } from './peer/reconfigure.ts'
import { createRunContext } from './peer/round-encoding.ts'
import { StatusKeeper } from './peer/status-keeper.ts'
import { serveTranscript } from './peer/transcript-protocol.ts'
import { progressOf } from './round/attempt-progress.ts'
import { transcriptOf } from './round/round-machine.ts'

/** @throws ProtocolError from the manifest: BAD_SIGNATURE, BAD_MANIFEST, VERSION; PeerError as Peer.start */
export function createPeer(ports: PeerPorts, config: PeerConfig): Peer {
  return new RunPeer(ports, config)
}

class RunPeer implements Peer {
  readonly finished: Promise<PeerResult>
  readonly #ports: PeerPorts
  readonly #config: PeerConfig
  readonly #run: RunContext
  readonly #account = new ByteAccount()
  readonly #status: StatusKeeper
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #over = new AbortController()
  readonly #closers: Array<() => void> = []
  readonly #settle: { resolve(result: PeerResult): void; reject(error: Error): void }
  #parts: Parts | null = null
  #desk: AuthorDesk | null = null
  #starting: Promise<void> | null = null

  constructor(ports: PeerPorts, config: PeerConfig) {
    this.#ports = ports
    this.#config = config
    this.#status = new StatusKeeper(() => ports.clock.nowMs())
    const { promise, resolve, reject } = Promise.withResolvers<PeerResult>()
    this.finished = promise
    this.#settle = { resolve, reject }
    // Whoever only listens to events must not die of it.
    promise.catch(() => {})
    this.#run = this.#checkedRun()
    this.#checkAdmission(true)
  }

  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async stop(): Promise<void> {
    const { condition } = this.#status
    if (condition === 'stopped') return
    if (condition !== 'failed' && condition !== 'finished') {
      this.#settle.reject(stopped())
    }
    if (condition !== 'failed') this.#status.condition = 'stopped'
    await this.#close()
  }

  async reconfigure(members: readonly PeerId[]): Promise<void> {
    if (this.#parts === null) throw new PeerError('NOT_PAUSED', {}, 'the peer has not started')
    await reconfigure(this.#reconfigurePorts(this.#parts), members)
  }

  async order(command: AuthorCommand): Promise<Ordered> {
    if (this.#desk === null) throw new PeerError('NOT_NOW', {}, 'the peer has not started')
    return this.#desk.order(command)
  }

  #reconfigurePorts({ loop, disk, effects }: Parts): ReconfigurePorts {
    const { crypto, signer, network } = this.#ports
    return {
      ...{ self: network.peerId, run: this.#run, signer, crypto, disk, effects },
      state: () => loop.state,
      push: event => loop.push(event),
      onNotice: listen => this.on(event => event.type === 'notice' && listen(event)),
      inTurn: task => loop.run(task)
    }
  }

  on(listen: (event: PeerEvent) => void): () => void {
    const entry = (event: PeerEvent): void => listen(event)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  status(): PeerStatus {
    const tip = this.#parts?.disk.chain.tip ?? null
    return {
      condition: this.#status.condition,
      run: toHex(this.#run.id),
      self: this.#ports.network.peerId,
      ...this.#status.kept,
      progress: this.#parts === null ? null : progressOf(this.#parts.loop.state),
      members: tip?.members ?? [],
      privacySpent: this.#privacySpent(),
      tip,
      connected: this.#ports.network.peers(),
      bytes: this.#account.total
    }
  }

  adapter(): Float32Array {
    return this.#parts?.states.state.adapter.slice() ?? this.#ports.trainer.initialAdapter()
  }

  /** Of the chain, and of the round under way once its survivors are committed. */
  #privacySpent(): PrivacySpent | null {
    const terms = privacyTermsOf(this.#run.manifest)
    if (terms === null) return null
    const ofChain = this.#parts?.disk.chain.tip?.privacy?.epsilon ?? 0
    return { epsilon: Math.max(ofChain, this.#status.epsilonSpent), delta: terms.delta }
  }

  #checkedRun(): RunContext {
    const { crypto, trainer } = this.#ports
    const manifest = verifyManifest(this.#config.signedManifest, crypto)
    const adapter = trainer.initialAdapter()
    if (adapter.length !== trainer.layout.length) {
      throw new PeerError('OTHER_ADAPTER', { got: adapter.length, expected: trainer.layout.length })
    }
    return createRunContext(manifest, trainer.baseModelSha256, trainer.layout, adapter, crypto)
  }

  #checkAdmission(isKnown: boolean): void {
    const { crypto, network, clock } = this.#ports
    const { redemption } = this.#config
    const asking = { redemption, isKnown, nowMs: clock.nowMs() }
    checkAdmission(this.#run.manifest, network.peerId, asking, crypto)
  }

  async #start(): Promise<void> {
    try {
      this.#refuseIfStopped()
      this.#status.condition = 'starting'
      const parts = await this.#open()
      this.#parts = parts
      this.#refuseIfStopped()
      await this.#join(parts)
    } catch (error) {
      // Stopped while it was starting: what was opened since then is not closed yet.
      if (this.#over.signal.aborted) await this.#closeParts()
      await this.#fail(error)
      throw this.#explained(error)
    }
  }

  #open(): Promise<Parts> {
    return openParts({
      ports: this.#ports,
      config: this.#config,
      run: this.#run,
      account: this.#account,
      signal: this.#over.signal,
      onClose: close => this.#closers.push(close),
      emit: event => this.#emit(event),
      onProgress: () => this.#finishIfOver(),
      fail: error => void this.#fail(error)
    })
  }

  async #join(parts: Parts): Promise<void> {
    const { network, disk, states, channel, loop } = parts
    const run = this.#run
    const { tip } = disk.chain
    this.#checkAdmission(tip !== null)
    if (tip !== null && (await states.has(tip.stateHash))) {
      states.resume(tip.stateHash)
      await disk.journal.prune(tip)
      // A crash may have come between the link and its adapter.
      await disk.saveAdapter(states.state.adapter)
      loop.push({ type: 'adopt', tip })
    } else if (tip !== null) {
      // The machine, knowing of no chain, hears that the others have one and asks for it.
      this.#emit({
        type: 'warning',
        message: `the state of link ${tip.height} is not on the disk: asking the others for it`
      })
    }
    this.#refuseIfStopped()
    this.#status.condition = 'running'
    this.#closers.push(
      serveChain(network, run, disk.chain, parts.serves),
      serveTranscript(
        network,
        run,
        ({ round, attempt }, cohort) => {
          const { tip } = loop.state
          return tip?.round === round && tip.attempt === attempt ? transcriptOf(loop.state, cohort) : []
        },
        peer => disk.chain.tip?.members.includes(peer) ?? false
      ),
      network.onPeer((peer, connected) => loop.push({ type: 'peer', peer, connected })),
      () => channel.close()
    )
    channel.open()
    for (const peer of network.peers()) loop.push({ type: 'peer', peer, connected: true })
    for await (const bytes of disk.evidence.kept()) loop.push({ type: 'evidence', bytes })
    this.#desk = await AuthorDesk.open({
      ...this.#reconfigurePorts(parts),
      files: this.#ports.files,
      push: event => loop.push(event),
      warn: message => this.#emit({ type: 'warning', message }),
      fail: error => void this.#fail(error)
    })
    this.#desk.settle()
    loop.push({ type: 'tick' })
  }

  #emit(event: PeerEvent): void {
    if (event.type === 'notice') this.#status.take(event)
    for (const listen of [...this.#listeners]) {
      try {
        listen(event)
      } catch (error) {
        this.#ports.log(`a listener threw: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    if (event.type === 'founded' || event.type === 'link' || event.type === 'caught-up') this.#desk?.settle()
    if (event.type !== 'notice') return
    if (event.notice === 'paused') this.#desk?.settle()
    // What it could not check for itself may be a lie: it goes on asking.
    if (event.notice === 'turned-away' && event.isProven)
      void this.#fail(notAdmitted(this.#run.manifest, this.#ports.network.peerId, event.fault))
  }

  #finishIfOver(): void {
    const { condition, phase } = this.#status
    if (condition !== 'running' || phase !== 'Finished' || this.#parts === null) return
    const { disk, states } = this.#parts
    // The last link may be certified before its state is here.
    const { tip } = disk.chain
    if (tip === null || tip.end === null) return
    this.#status.condition = 'finished'
    const { completedRounds, stateHash, end } = tip
    const adapter = states.state.adapter.slice()
    const result = { completedRounds, stateHash, adapter, end, privacySpent: this.#privacySpent() }
    this.#emit({ type: 'finished', result })
    this.#settle.resolve(result)
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#over.signal.aborted) return
    const explained = this.#explained(error)
    const wasOver = this.#status.condition === 'finished'
    this.#status.condition = 'failed'
    this.#emit({ type: 'error', error: explained })
    if (!wasOver) this.#settle.reject(explained)
    await this.#close()
  }

  #explained(error: unknown): Error {
    if (error instanceof FilesError) {
      const message = `${error.message}. The peer has stopped; what is on the disk is whole, and the same command goes on from it`
      return new PeerError('STORE_FAILED', { code: error.code, ...error.data }, message, { cause: error })
    }
    return error instanceof Error ? error : new PeerError('FAULT', { reason: String(error) })
  }

  async #close(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    await this.#closeParts()
  }

  #refuseIfStopped(): void {
    if (this.#over.signal.aborted) throw stopped()
  }

  async #closeParts(): Promise<void> {
    for (const close of this.#closers.splice(0)) close()
    this.#parts?.work.stop()
    this.#parts?.sums.stop()
    await this.#parts?.loop.stop()
  }
}

function stopped(): PeerError {
  const message = 'the peer was stopped before the run was over: start it again with the same folder to go on'
  return new PeerError('STOPPED', {}, message)
}
