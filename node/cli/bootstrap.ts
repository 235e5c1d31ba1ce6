/** The `bootstrap` command: a coordinator on libp2p, and what it says about those who come and go. */
import { createCoordinator } from '../../bootstrap/coordinator.ts'
import { judgeRelayed } from '../../bootstrap/relayed-message.ts'
import { offeredRunOf } from '../../protocols/offered-manifest.ts'
import { isPeerId } from '../../protocols/peer-id.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { OfferedRun } from '../../protocols/run-registry.ts'
import { decodeSignedManifest } from '../../protocols/signed-manifest.ts'
import { watchForTwins } from '../../protocols/twin-watch.ts'
import { mayTakePart } from '../peer/admission.ts'
import { type Identity, openIdentity } from '../platform/identity.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../platform/libp2p-network.ts'
import { nodeCrypto } from '../platform/node-crypto.ts'
import { passphrasesHere } from '../platform/passphrase.ts'
import { openPeerFolder } from '../platform/peer-folder.ts'
import { systemClock } from '../platform/system-clock.ts'
import { openDoor } from './guard-lines.ts'
import type { CommandHost } from './host.ts'
import { twinWords } from './identity-dir.ts'
import { shortPeer } from './join/words.ts'
import { type NetworkOptions, networkSettings } from './network-options.ts'
import { bootstrapReportOf } from './observe/bootstrap-report.ts'
import { Operations, type OperationsOptions } from './observe/operations.ts'
import type { ProcessReport, Report } from './observe/report.ts'
import type { Output } from './output.ts'
import { UserError } from './user-error.ts'

export interface BootstrapOptions extends OperationsOptions, NetworkOptions {
  readonly listen: readonly string[]
  readonly dir: string
  readonly passphraseFile?: string
  /** Addresses of other coordinators. */
  readonly peer?: readonly string[]
  readonly relayBodies?: boolean
  /** Bytes of what is kept of the runs; false keeps nothing. */
  readonly cache: number | false
}

/** Runs until Ctrl-C. @throws NetworkError PORT_TAKEN, BAD_ADDRESS, DIRECTORY_IN_USE, BAD_IDENTITY, BAD_BANS; FilesError */
export async function runBootstrap(
  options: BootstrapOptions,
  { output, signal }: CommandHost
): Promise<void> {
  const unlock = await openPeerFolder(options.dir)
  try {
    const describe = (process: ProcessReport): Report => bootstrapReportOf(process, null)
    const operations = await Operations.open(options.dir, options, output, describe)
    try {
      await runFrom(options, operations, { output, signal })
    } finally {
      await operations.close()
    }
  } finally {
    await unlock()
  }
}

async function runFrom(options: BootstrapOptions, operations: Operations, host: CommandHost): Promise<void> {
  const { dir, listen, passphraseFile, relayBodies, peer: others = [], cache } = options
  const fellows = fellowsOf(others)
  const settings = await networkSettings(options, systemClock.nowMs())
  const identity = await openIdentity(dir, passphrasesHere(passphraseFile, host.signal))
  operations.is(identity.peerId)
  const network = await createLibp2pNetwork({
    identity: identity.privateKey,
    listen,
    transports: 'internet',
    bootstrapAddresses: others,
    ...(await openDoor(dir, operations, host.output)),
    isRelay: true,
    relaysBodies: relayBodies ?? false,
    warn: message => host.output.warn(message),
    ...settings,
    ...operations.networkInit()
  })
  try {
    operations.watch(network)
    await coordinate({ dir, network, identity, fellows, cacheBytes: cache }, operations, host)
  } finally {
    await network.close()
  }
}

interface Coordinated {
  readonly dir: string
  readonly network: Libp2pNetwork
  readonly identity: Identity
  readonly fellows: ReadonlySet<PeerId>
  readonly cacheBytes: number | false
}

async function coordinate(
  { dir, network, identity, fellows, cacheBytes }: Coordinated,
  operations: Operations,
  { output, signal }: CommandHost
): Promise<void> {
  const addresses = network.addresses()
  output.event({ event: 'listening', peer: network.peerId, addresses })
  for (const address of addresses) output.say(address)
  output.say(
    `\nOthers join with: fedpeft-node join ADDRESS --run FILE --data THEIR-TEXT\n` +
      'with one of these addresses that they can reach. It keeps nothing that the runs need; Ctrl-C stops it.\n'
  )
  const crypto = nodeCrypto()
  const coordinator = createCoordinator({
    network,
    clock: systemClock,
    validateManifest: bytes => offeredRunOf(bytes, crypto),
    judgeMessage: (run, data) => judgeRelayed(run, data, crypto),
    fellows,
    ...(cacheBytes !== false && {
      cache: {
        crypto,
        signer: identity,
        // It hears of no invitations: those who come by one are let in once the chain has them.
        mayTakePart: (manifest, tip, peer) => mayTakePart(manifest, tip, new Map(), peer),
        maxBytes: cacheBytes
      }
    }),
    onRun: (offered, listed) => tellRun(offered, listed, operations, output),
    log: operations.networkInit().log
  })
  operations.describeWith(process => bootstrapReportOf(process, coordinator.status()))
  const stopWatching = network.onPeer((peer, connected) => {
    const { length: peers } = network.peers()
    output.event({ event: connected ? 'peer-came' : 'peer-went', peer, peers })
    output.say(`${shortPeer(peer)} ${connected ? 'came' : 'went'}: ${peers} here`)
  })
  const stopTwinWatch = watchForTwins({
    network,
    clock: systemClock,
    randomBytes: crypto.randomBytes,
    onTwin: witnesses => output.warn(twinWords(network.peerId, dir, witnesses))
  })
  await untilAborted(signal)
  stopTwinWatch()
  stopWatching()
  coordinator.close()
  output.event({ event: 'done', peer: network.peerId })
  output.say('stopped')
}

/** @throws UserError if an address does not name its peer */
function fellowsOf(addresses: readonly string[]): ReadonlySet<PeerId> {
  return new Set(
    addresses.map(address => {
      const peer = /\/p2p\/([^/]+)$/.exec(address)?.[1]
      if (peer !== undefined && isPeerId(peer)) return peer
      throw new UserError(
        `--peer ${address}: give the whole address of the other coordinator, as it prints it: it ends in /p2p/12D3KooW...`,
        2
      )
    })
  )
}

function tellRun(
  { run, manifest: bytes }: OfferedRun,
  listed: boolean,
  { observer }: Operations,
  output: Output
): void {
  const { manifest } = decodeSignedManifest(bytes)
  const { name, author, model, rounds } = manifest
  observer.tell({
    level: 'info',
    msg: listed ? 'run offered' : 'run expired',
    fields: { run, author, rounds }
  })
  output.event({
    event: listed ? 'run-offered' : 'run-expired',
    run,
    name,
    author,
    model: model.source,
    rounds
  })
  output.say(
    listed
      ? `run "${name}" by ${shortPeer(author)} is offered: ${rounds} rounds of ${model.source}, --run ${run}`
      : `run "${name}" (${run.slice(0, 16)}) is offered no more`
  )
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
