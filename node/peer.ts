/**
 * One peer of a run: the round's machine and everything around it, put together over the ports. The same code runs
 * on libp2p and in a simulation.
 */

import { seededRandom } from '../aggregation/random.ts'
import { initialState } from '../aggregation/replicated-state.ts'
import { strategyByName } from '../aggregation/strategies.ts'
import { createBlobExchange } from '../protocols/blob-exchange.ts'
import { ADDRESS_BYTES, BLOB_PROTOCOL } from '../protocols/blob-messages.ts'
import type { RunContext } from '../protocols/chain.ts'
import { equalBytes } from '../protocols/codec.ts'
import { FilesError } from '../protocols/files-error.ts'
import { toHex } from '../protocols/hex.ts'
import type { Network, PeerId } from '../protocols/ports.ts'
import { runId } from '../protocols/run-manifest.ts'
import { RunRegistry } from '../protocols/run-registry.ts'
import { encodeSignedManifest, verifyManifest } from '../protocols/signed-manifest.ts'
import { accountedNetwork, ByteAccount } from './peer/byte-account.ts'
import { serveChain } from './peer/chain-protocol.ts'
import { EffectRunner } from './peer/effect-runner.ts'
import { PeerError } from './peer/errors.ts'
import { MachineLoop } from './peer/machine-loop.ts'
import { MessageChannel } from './peer/message-channel.ts'
import type { Peer, PeerConfig, PeerEvent, PeerPorts, PeerResult, PeerStatus } from './peer/peer-types.ts'
import { createRunContext } from './peer/round-encoding.ts'
import { laneCountOfRound, RoundWork } from './peer/round-work.ts'
import { openRunDisk, type RunDisk } from './peer/run-disk.ts'
import { StateKeeper } from './peer/state-keeper.ts'
import { StatusKeeper } from './peer/status-keeper.ts'
import { serveTranscript } from './peer/transcript-protocol.ts'
import { createRoundMachine, transcriptOf } from './round/round-machine.ts'
import type { RunState } from './round/round-state.ts'

/** @throws ProtocolError from the manifest: BAD_SIGNATURE, BAD_MANIFEST, VERSION; PeerError as Peer.start */
export function createPeer(ports: PeerPorts, config: PeerConfig): Peer {
  return new RunPeer(ports, config)
}

/** Everything that exists once the peer has started. */
interface Parts {
  /** Counted. */
  readonly network: Network
  readonly disk: RunDisk
  readonly states: StateKeeper
  readonly work: RoundWork
  readonly channel: MessageChannel
  readonly loop: MachineLoop<RunState>
  readonly effects: EffectRunner
}

class RunPeer implements Peer {
  readonly finished: Promise<PeerResult>
  readonly #ports: PeerPorts
  readonly #config: PeerConfig
  readonly #run: RunContext
  readonly #account = new ByteAccount()
  readonly #status = new StatusKeeper()
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #over = new AbortController()
  readonly #closers: Array<() => void> = []
  readonly #settle: { resolve(result: PeerResult): void; reject(error: Error): void }
  #parts: Parts | null = null
  #starting: Promise<void> | null = null

  constructor(ports: PeerPorts, config: PeerConfig) {
    this.#ports = ports
    this.#config = config
    const { promise, resolve, reject } = Promise.withResolvers<PeerResult>()
    this.finished = promise
    this.#settle = { resolve, reject }
    // Whoever only listens to events must not die of it.
    promise.catch(() => {})
    this.#run = this.#checkedRun()
  }

  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async stop(): Promise<void> {
    const { condition } = this.#status
    if (condition === 'stopped') return
    if (condition !== 'failed' && condition !== 'finished') {
      const message =
        'the peer was stopped before the run was over: start it again with the same folder to go on'
      this.#settle.reject(new PeerError('STOPPED', {}, message))
    }
    if (condition !== 'failed') this.#status.condition = 'stopped'
    await this.#close()
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
      members: tip?.members ?? [],
      tip,
      connected: this.#ports.network.peers(),
      bytes: this.#account.total
    }
  }

  adapter(): Float32Array {
    return this.#parts?.states.state.adapter.slice() ?? this.#ports.trainer.initialAdapter()
  }

  #checkedRun(): RunContext {
    const { crypto, trainer, network } = this.#ports
    const manifest = verifyManifest(this.#config.signedManifest, crypto)
    const adapter = trainer.initialAdapter()
    if (adapter.length !== trainer.layout.length) {
      throw new PeerError('OTHER_ADAPTER', { got: adapter.length, expected: trainer.layout.length })
    }
    const { admission } = manifest
    if (admission.kind === 'list' && !admission.peers.includes(network.peerId)) {
      throw new PeerError(
        'NOT_ADMITTED',
        { peer: network.peerId },
        `admission.peers: the run "${manifest.name}" takes listed peers only, and this one, ${network.peerId}, is not ` +
          `among them. Send this id to the author of the run, ${manifest.author}`
      )
    }
    return createRunContext(manifest, trainer.baseModelSha256, trainer.layout, adapter, crypto)
  }

  async #start(): Promise<void> {
    this.#status.condition = 'starting'
    try {
      const parts = await this.#open()
      if (this.#over.signal.aborted) return
      this.#parts = parts
      await this.#join(parts)
    } catch (error) {
      await this.#fail(error)
      throw this.#explained(error)
    }
  }

  async #open(): Promise<Parts> {
    const { clock, crypto, trainer, files } = this.#ports
    const run = this.#run
    const { layout } = trainer
    const warn = (message: string): void => this.#emit({ type: 'warning', message })
    const disk = await openRunDisk(files, this.#config.signedManifest, run, layout, crypto, warn)
    const network = accountedNetwork(this.#ports.network, this.#account, (protocol, body, served) => {
      if (protocol !== BLOB_PROTOCOL) return 'control'
      return served && work.isOwn(body.subarray(0, ADDRESS_BYTES)) ? 'maskedUpload' : 'verification'
    })
    const blobs = createBlobExchange({ network, crypto, allow: peer => this.#mayTakePart(peer) })
    this.#closers.push(() => blobs.close())
    this.#closers.push(this.#offerRun(network))
    const initial = initialState(trainer.initialAdapter(), run.manifest.secureSum.clipNorm)
    const states = new StateKeeper(blobs, disk.states, layout, initial)
    const work: RoundWork = new RoundWork({
      clock,
      crypto,
      run,
      self: network.peerId,
      trainer,
      layout,
      blobs,
      states,
      examples: this.#config.examples,
      rounding: () => this.#ports.rounding?.() ?? seededRandom(crypto.randomBytes(32)),
      onTrainingStep: (id, steps, ofSteps, loss) =>
        this.#emit({ type: 'training', ...id, steps, ofSteps, loss }),
      onSumRefused: (id, reason) => this.#emit({ type: 'sum-refused', ...id, reason }),
      warn
    })
    const channel = new MessageChannel({
      network,
      run,
      crypto,
      members: () => disk.chain.tip?.members ?? null,
      onMessage: message => {
        // A founding list is of use only to those who have no chain.
        if (message.type !== 'founding' || disk.chain.tip === null) loop.push({ type: 'message', message })
      },
      onRefused: (from, refusal) => {
        this.#ports.log(
          `${refusal.verdict}ed a message from ${from}: ${refusal.reason} ${JSON.stringify(refusal.data)}`
        )
      },
      log: message => this.#ports.log(message)
    })
    const machine = createRoundMachine({
      crypto,
      signer: this.#ports.signer,
      self: network.peerId,
      run,
      factorsOf: completedRounds => strategyByName(run.manifest.strategy).factorsOf(completedRounds),
      laneCountOf: (cohortSize, completedRounds) => laneCountOfRound(run, layout, cohortSize, completedRounds)
    })
    const loop: MachineLoop<RunState> = new MachineLoop<RunState>(
      machine,
      clock,
      effect => effects.perform(effect),
      error => void this.#fail(error)
    )
    const effects: EffectRunner = new EffectRunner({
      network,
      clock,
      crypto,
      run,
      self: network.peerId,
      disk,
      states,
      work,
      channel,
      account: this.#account,
      signal: this.#over.signal,
      push: event => loop.push(event),
      inTurn: task => loop.run(task),
      emit: event => this.#emit(event),
      onProgress: () => this.#finishIfOver(),
      fail: error => void this.#fail(error),
      log: message => this.#ports.log(message)
    })
    return { network, disk, states, work, channel, loop, effects }
  }

  async #join({ network, disk, states, channel, loop }: Parts): Promise<void> {
    const run = this.#run
    const { tip } = disk.chain
    this.#status.condition = 'running'
    if (tip !== null && (await states.has(tip.stateHash))) {
      await states.adopt(tip.stateHash)
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
    this.#closers.push(
      serveChain(network, run, disk.chain, peer => this.#mayTakePart(peer)),
      serveTranscript(
        network,
        run,
        ({ round, attempt }) => {
          const current = loop.state.attempt
          return current?.round === round && current.attempt === attempt ? transcriptOf(loop.state) : []
        },
        peer => disk.chain.tip?.members.includes(peer) ?? false
      ),
      network.onPeer((peer, connected) => loop.push({ type: 'peer', peer, connected })),
      () => channel.close()
    )
    channel.open()
    for (const peer of network.peers()) loop.push({ type: 'peer', peer, connected: true })
    loop.push({ type: 'tick' })
  }

  /** Others who ask this peer what is offered hear of this run. @returns a function that ends it */
  #offerRun(network: Network): () => void {
    const { clock, crypto, runs, log } = this.#ports
    const manifest = encodeSignedManifest(this.#config.signedManifest)
    if (runs !== undefined) {
      const { run } = runs.offer(manifest)
      return () => runs.withdraw(run)
    }
    const validateManifest = (bytes: Uint8Array): { readonly run: string } | null => {
      try {
        return { run: toHex(runId(verifyManifest(bytes, crypto), crypto.sha256)) }
      } catch {
        return null
      }
    }
    const own = new RunRegistry({ network, clock, validateManifest, log: message => log(message) })
    own.offer(manifest)
    return () => own.close()
  }

  #mayTakePart(peer: PeerId): boolean {
    const { admission } = this.#run.manifest
    return admission.kind === 'open' || admission.peers.includes(peer)
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
  }

  #finishIfOver(): void {
    const { condition, phase } = this.#status
    if (condition !== 'running' || phase !== 'Finished' || this.#parts === null) return
    const { disk, states } = this.#parts
    // The last link may be certified before its state is here.
    const { completedRounds, stateHash } = disk.chain.tip ?? {
      completedRounds: -1,
      stateHash: new Uint8Array()
    }
    if (completedRounds < this.#run.manifest.rounds || !equalBytes(stateHash, states.hash)) return
    this.#status.condition = 'finished'
    const result = { completedRounds, stateHash, adapter: states.state.adapter.slice() }
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
    for (const close of this.#closers.splice(0)) close()
    this.#parts?.work.stop()
    await this.#parts?.loop.stop()
  }
}
