/** What a peer is put together from when it starts: the disk, the network's parts, and the machine in their middle. */
import { secureRandom } from '../../aggregation/dp-secure-random.ts'
import { type Random, seededRandom } from '../../aggregation/random.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import { type BlobExchange, createBlobExchange } from '../../protocols/blob-exchange.ts'
import { ADDRESS_BYTES, BLOB_PROTOCOL } from '../../protocols/blob-messages.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Network, PeerId } from '../../protocols/ports.ts'
import { runId } from '../../protocols/run-manifest.ts'
import { RunRegistry } from '../../protocols/run-registry.ts'
import { MODEL_PROTOCOL } from '../../protocols/shared-model.ts'
import { encodeSignedManifest, verifyManifest } from '../../protocols/signed-manifest.ts'
import { createRoundMachine } from '../round/round-machine.ts'
import type { RunState } from '../round/round-state.ts'
import { mayTakePart } from './admission.ts'
import { accountedNetwork, type ByteAccount } from './byte-account.ts'
import { EffectRunner } from './effect-runner.ts'
import { MachineLoop } from './machine-loop.ts'
import { maskingHere } from './masking.ts'
import { MessageChannel } from './message-channel.ts'
import { ModelGuests } from './model-guests.ts'
import { shareModel } from './model-sharing.ts'
import type { PeerConfig, PeerEvent, PeerPorts } from './peer-types.ts'
import { initialStateOf } from './private-round.ts'
import { PublicSum } from './public-sum.ts'
import { laneCountOfRound, RoundWork } from './round-work.ts'
import { openRunDisk, type RunDisk } from './run-disk.ts'
import { StateKeeper } from './state-keeper.ts'
import { TreeWork } from './tree-work.ts'

/** Everything that exists once the peer has started. */
export interface Parts {
  /** Counted. */
  readonly network: Network
  readonly disk: RunDisk
  readonly states: StateKeeper
  readonly work: RoundWork
  readonly sums: TreeWork
  readonly publicSum: PublicSum
  readonly channel: MessageChannel
  readonly loop: MachineLoop<RunState>
  readonly effects: EffectRunner
  /** Whether a peer is served what the run's peers serve each other. */
  serves(peer: PeerId): boolean
}

export interface Opening {
  readonly ports: PeerPorts
  readonly config: PeerConfig
  readonly run: RunContext
  readonly account: ByteAccount
  /** Ends everything that is under way. */
  readonly signal: AbortSignal
  /** What is to be done when the peer stops, however far the opening came. */
  onClose(close: () => void): void
  emit(event: PeerEvent): void
  onProgress(): void
  fail(error: unknown): void
}

/** @throws PeerError BROKEN_STORE; FilesError */
export async function openParts(opening: Opening): Promise<Parts> {
  const { ports, config, run, account, onClose } = opening
  const { crypto, trainer, files } = ports
  const { layout } = trainer
  const warn = warningsOf(opening)
  const disk = await openRunDisk(files, config.signedManifest, run, trainer, crypto, warn)
  const network = accountedNetwork(ports.network, account, (protocol, body, served) => {
    if (protocol === MODEL_PROTOCOL) return null
    if (protocol !== BLOB_PROTOCOL) return 'control'
    const address = body.subarray(0, ADDRESS_BYTES)
    // What lies in files is the base model: a newcomer's need, not the round's.
    if (served && blobs.has(address) && blobs.get(address) === null) return null
    return served && work.isOwn(address) ? 'maskedUpload' : 'verification'
  })
  const serves = (peer: PeerId): boolean =>
    mayTakePart(run.manifest, disk.chain.tip, loop.state.registrations, peer)
  const blobs: BlobExchange = createBlobExchange({
    network,
    clock: ports.clock,
    crypto,
    allow: (peer, address) => serves(peer) || sharing?.givesGuest(peer, address) === true,
    onOffence: (peer, reason, detail) => warn(`${peer} ${detail} (${reason})`),
    ...config.upload
  })
  onClose(() => blobs.close())
  const guests = new ModelGuests({ run, tip: () => disk.chain.tip, clock: ports.clock, crypto })
  const sharing =
    config.sharedModel === undefined
      ? null
      : shareModel({ network, blobs, crypto, allow: serves, guests, log: ports.log }, config.sharedModel)
  onClose(() => sharing?.stop())
  onClose(offerRun(opening, network))
  const initial = initialStateOf(run.manifest, trainer.initialAdapter())
  const states = new StateKeeper(blobs, disk.states, layout, initial)
  const sums = new TreeWork({ clock: ports.clock, run, layout, blobs, states, warn })
  const publicSum = new PublicSum({ run, layout, blobs, states })
  const work: RoundWork = openWork(opening, blobs, { states, sums, publicSum }, disk)
  const channel: MessageChannel = openChannel(opening, network, disk, message => {
    loop.push({ type: 'message', message })
  })
  const { loop, effects } = openLoop(opening, { network, disk, states, work, sums, publicSum, channel })
  return { network, disk, states, work, sums, publicSum, channel, loop, effects, serves }
}

function warningsOf({ emit }: Opening): (message: string) => void {
  return message => emit({ type: 'warning', message })
}

function openWork(
  opening: Opening,
  blobs: BlobExchange,
  { states, sums, publicSum }: Pick<Parts, 'states' | 'sums' | 'publicSum'>,
  { feedback }: RunDisk
): RoundWork {
  const { ports, config, run, emit } = opening
  const { clock, crypto, trainer, rounding, noise, network, masking } = ports
  return new RoundWork({
    clock,
    crypto,
    masking: masking ?? maskingHere(crypto),
    feedback,
    run,
    self: network.peerId,
    trainer,
    layout: trainer.layout,
    blobs,
    states,
    sums,
    publicSum,
    examples: config.examples,
    rounding: () => rounding?.() ?? erasingSeed(crypto.randomBytes(32)),
    noise: () => noise?.() ?? secureRandom(crypto),
    onTrainingStep: (id, steps, ofSteps, loss) => emit({ type: 'training', ...id, steps, ofSteps, loss }),
    onTrained: (id, { steps: ofSteps }, { steps, endedBy, seconds, energyJoules }) =>
      emit({ type: 'trained', ...id, steps, ofSteps, endedBy, seconds, energyJoules }),
    onSumRefused: (id, reason) => emit({ type: 'sum-refused', ...id, reason }),
    warn: warningsOf(opening)
  })
}

function openChannel(
  { ports: { crypto, log }, run }: Opening,
  network: Network,
  { chain }: RunDisk,
  take: (message: SignedMessage) => void
): MessageChannel {
  return new MessageChannel({
    network,
    run,
    crypto,
    tip: () => chain.tip,
    onMessage: message => {
      // A founding list is of use only to those who have no chain.
      if (message.type !== 'founding' || chain.tip === null) take(message)
    },
    onRefused: (from, { verdict, reason, data }) =>
      log(`${verdict} a message from ${from}: ${reason} ${JSON.stringify(data)}`),
    log: message => log(message)
  })
}

function openLoop(
  { ports, config, run, account, signal, emit, onProgress, fail }: Opening,
  parts: Omit<Parts, 'loop' | 'effects' | 'serves'>
): Pick<Parts, 'loop' | 'effects'> {
  const { clock, crypto, signer, trainer, log } = ports
  const machine = createRoundMachine({
    crypto,
    signer,
    self: parts.network.peerId,
    run,
    factorsOf: completedRounds => strategyByName(run.manifest.strategy).factorsOf(completedRounds),
    laneCountOf: (cohortSize, completedRounds) =>
      laneCountOfRound(run, trainer.layout, cohortSize, completedRounds),
    ...(config.redemption === undefined ? {} : { redemption: config.redemption })
  })
  const loop = new MachineLoop(machine, clock, effect => effects.perform(effect), fail)
  const effects: EffectRunner = new EffectRunner({
    ...parts,
    clock,
    crypto,
    run,
    account,
    signal,
    push: event => loop.push(event),
    inTurn: task => loop.run(task),
    emit,
    onProgress,
    fail,
    log: message => log(message)
  })
  return { loop, effects }
}

/** Others who ask this peer what is offered hear of this run. @returns a function that ends it */
function offerRun({ ports, config }: Opening, network: Network): () => void {
  const { clock, crypto, runs, log } = ports
  const manifest = encodeSignedManifest(config.signedManifest)
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

/** With the seed, and a sum over all but one, the last bits of that one's input could be told. */
function erasingSeed(seed: Uint8Array): Random {
  const random = seededRandom(seed)
  seed.fill(0)
  return random
}
