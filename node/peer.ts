/**
 * One peer of a run: the round's machine and everything around it, put together over the ports. The same code runs
 * on libp2p and in a simulation.
 */

import { secureRandom } from '../aggregation/dp-secure-random.ts'
import { type Random, seededRandom } from '../aggregation/random.ts'
import type { PrivacySpent } from '../aggregation/replicated-state.ts'
import { strategyByName } from '../aggregation/strategies.ts'
import { type BlobExchange, createBlobExchange } from '../protocols/blob-exchange.ts'
import { ADDRESS_BYTES, BLOB_PROTOCOL } from '../protocols/blob-messages.ts'
import type { RunContext } from '../protocols/chain.ts'
import type { SignedMessage } from '../protocols/envelope.ts'
import { FilesError } from '../protocols/files-error.ts'
import { toHex } from '../protocols/hex.ts'
import type { Network, PeerId } from '../protocols/ports.ts'
import { privacyTermsOf } from '../protocols/privacy-account.ts'
import { runId } from '../protocols/run-manifest.ts'
import { RunRegistry } from '../protocols/run-registry.ts'
import { encodeSignedManifest, verifyManifest } from '../protocols/signed-manifest.ts'
import { checkAdmission } from './peer/admission.ts'
import { accountedNetwork, ByteAccount } from './peer/byte-account.ts'
import { serveChain } from './peer/chain-protocol.ts'
import { EffectRunner } from './peer/effect-runner.ts'
import { PeerError } from './peer/errors.ts'
import { MachineLoop } from './peer/machine-loop.ts'
import { maskingHere } from './peer/masking.ts'
import { MessageChannel } from './peer/message-channel.ts'
import type { Peer, PeerConfig, PeerEvent, PeerPorts, PeerResult, PeerStatus } from './peer/peer-types.ts'
import { initialStateOf } from './peer/private-round.ts'
import { reconfigure } from './peer/reconfigure.ts'
import { createRunContext } from './peer/round-encoding.ts'
import { laneCountOfRound, RoundWork } from './peer/round-work.ts'
import { openRunDisk, type RunDisk } from './peer/run-disk.ts'
import { StateKeeper } from './peer/state-keeper.ts'
import { StatusKeeper } from './peer/status-keeper.ts'
import { serveTranscript } from './peer/transcript-protocol.ts'
import { TreeWork } from './peer/tree-work.ts'
import { createRoundMachine, transcriptOf } from './round/round-machine.ts'
import type { RunState } from './round/round-state.ts'
import type { RoundEvent } from './round/round-types.ts'

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
  readonly sums: TreeWork
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
      this.#settle.reject(stopped())
    }
    if (condition !== 'failed') this.#status.condition = 'stopped'
    await this.#close()
  }

  async reconfigure(members: readonly PeerId[]): Promise<void> {
    const { crypto, signer, network } = this.#ports
    if (this.#parts === null) throw new PeerError('NOT_PAUSED', {}, 'the peer has not started')
    const { loop, disk, effects } = this.#parts
    const inTurn = (task: () => Promise<RoundEvent | null>): void => loop.run(task)
    const ports = { self: network.peerId, run: this.#run, signer, crypto, disk, effects, inTurn }
    await reconfigure(ports, members)
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
    const { crypto, trainer, network } = this.#ports
    const manifest = verifyManifest(this.#config.signedManifest, crypto)
    const adapter = trainer.initialAdapter()
    if (adapter.length !== trainer.layout.length) {
      throw new PeerError('OTHER_ADAPTER', { got: adapter.length, expected: trainer.layout.length })
    }
    checkAdmission(manifest, network.peerId)
    return createRunContext(manifest, trainer.baseModelSha256, trainer.layout, adapter, crypto)
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

  async #open(): Promise<Parts> {
    const { crypto, trainer, files } = this.#ports
    const run = this.#run
    const { layout } = trainer
    const warn = (message: string): void => this.#emit({ type: 'warning', message })
    const disk = await openRunDisk(files, this.#config.signedManifest, run, trainer, crypto, warn)
    const network = accountedNetwork(this.#ports.network, this.#account, (protocol, body, served) => {
      if (protocol !== BLOB_PROTOCOL) return 'control'
      return served && work.isOwn(body.subarray(0, ADDRESS_BYTES)) ? 'maskedUpload' : 'verification'
    })
    const blobs = createBlobExchange({ network, crypto, allow: peer => this.#mayTakePart(peer) })
    this.#closers.push(() => blobs.close())
    this.#closers.push(this.#offerRun(network))
    const initial = initialStateOf(run.manifest, trainer.initialAdapter())
    const states = new StateKeeper(blobs, disk.states, layout, initial)
    const sums = this.#openSums(blobs, states)
    const work: RoundWork = this.#openWork(blobs, states, sums, disk)
    const channel: MessageChannel = this.#openChannel(network, disk, message => {
      loop.push({ type: 'message', message })
    })
    const { loop, effects } = this.#openLoop({ network, disk, states, work, sums, channel })
    return { network, disk, states, work, sums, channel, loop, effects }
  }

  #openSums(blobs: BlobExchange, states: StateKeeper): TreeWork {
    const { clock, trainer } = this.#ports
    const warn = (message: string): void => this.#emit({ type: 'warning', message })
    return new TreeWork({ clock, run: this.#run, layout: trainer.layout, blobs, states, warn })
  }

  #openWork(blobs: BlobExchange, states: StateKeeper, sums: TreeWork, { feedback }: RunDisk): RoundWork {
    const { clock, crypto, trainer, rounding, noise, network, masking } = this.#ports
    return new RoundWork({
      clock,
      crypto,
      masking: masking ?? maskingHere(crypto),
      feedback,
      run: this.#run,
      self: network.peerId,
      trainer,
      layout: trainer.layout,
      blobs,
      states,
      sums,
      examples: this.#config.examples,
      rounding: () => rounding?.() ?? erasingSeed(crypto.randomBytes(32)),
      noise: () => noise?.() ?? secureRandom(crypto),
      onTrainingStep: (id, steps, ofSteps, loss) =>
        this.#emit({ type: 'training', ...id, steps, ofSteps, loss }),
      onTrained: (id, { steps: ofSteps }, { steps, endedBy, seconds, energyJoules }) =>
        this.#emit({ type: 'trained', ...id, steps, ofSteps, endedBy, seconds, energyJoules }),
      onSumRefused: (id, reason) => this.#emit({ type: 'sum-refused', ...id, reason }),
      warn: message => this.#emit({ type: 'warning', message })
    })
  }

  #openChannel(network: Network, { chain }: RunDisk, take: (message: SignedMessage) => void): MessageChannel {
    const { crypto, log } = this.#ports
    return new MessageChannel({
      network,
      run: this.#run,
      crypto,
      tip: () => chain.tip,
      onMessage: message => {
        // A founding list is of use only to those who have no chain.
        if (message.type !== 'founding' || chain.tip === null) take(message)
      },
      onRefused: (from, { verdict, reason, data }) =>
        log(`${verdict}ed a message from ${from}: ${reason} ${JSON.stringify(data)}`),
      log: message => log(message)
    })
  }

  #openLoop(parts: Omit<Parts, 'loop' | 'effects'>): Pick<Parts, 'loop' | 'effects'> {
    const { clock, crypto, signer, trainer, log } = this.#ports
    const run = this.#run
    const self = parts.network.peerId
    const machine = createRoundMachine({
      crypto,
      signer,
      self,
      run,
      factorsOf: completedRounds => strategyByName(run.manifest.strategy).factorsOf(completedRounds),
      laneCountOf: (cohortSize, completedRounds) =>
        laneCountOfRound(run, trainer.layout, cohortSize, completedRounds)
    })
    const fail = (error: unknown): void => void this.#fail(error)
    const loop = new MachineLoop(machine, clock, effect => effects.perform(effect), fail)
    const effects: EffectRunner = new EffectRunner({
      ...parts,
      clock,
      crypto,
      run,
      account: this.#account,
      signal: this.#over.signal,
      push: event => loop.push(event),
      inTurn: task => loop.run(task),
      emit: event => this.#emit(event),
      onProgress: () => this.#finishIfOver(),
      fail,
      log: message => log(message)
    })
    return { loop, effects }
  }

  async #join({ network, disk, states, channel, loop }: Parts): Promise<void> {
    const run = this.#run
    const { tip } = disk.chain
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
      serveChain(network, run, disk.chain, peer => this.#mayTakePart(peer)),
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

/** With the seed, and a sum over all but one, the last bits of that one's input could be told. */
function erasingSeed(seed: Uint8Array): Random {
  const random = seededRandom(seed)
  seed.fill(0)
  return random
}
