/** The `join` command: what to take part in, with what, and through whom. */
import type { Redemption } from '../../protocols/messages.js'
import { type Identity, openIdentity, temporaryIdentity } from '../platform/identity.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { passphrasesHere } from '../platform/passphrase.ts'
import { openPeerFolder } from '../platform/peer-folder.ts'
import { systemClock } from '../platform/system-clock.ts'
import { planFields } from './budget-options.ts'
import { openDoor } from './guard-lines.ts'
import type { CommandHost } from './host.ts'
import { type BaseModelOptions, shareableBase } from './join/base-model.ts'
import { dryRun } from './join/dry-run.ts'
import { type Entry, enterNetwork } from './join/entry.ts'
import { redemptionFor } from './join/invitation.ts'
import { readKnownPeers } from './join/known-peers.ts'
import { listOfferedRuns } from './join/offered-runs.ts'
import { Preparation } from './join/prepare.ts'
import { resumptionOf } from './join/resumption.ts'
import { type ChosenRun, localRun, offeredRun } from './join/run-source.ts'
import { takePart } from './join/take-part.ts'
import { onceThereIsSpace } from './join/wait-for-space.ts'
import type { Workshop } from './join/workshop.ts'
import { type NetworkOptions, networkSettings } from './network-options.ts'
import { Operations, type OperationsOptions } from './observe/operations.ts'
import { type ProcessReport, peerReportOf, type Report } from './observe/report.ts'
import type { Output } from './output.ts'
import { runPrivacyOf } from './privacy/run-privacy.ts'
import { tellRunPrivacy } from './privacy-options.ts'
import { uploadRates } from './upload-options.ts'
import { UserError } from './user-error.ts'

export interface JoinFlags extends BaseModelOptions, OperationsOptions, NetworkOptions {
  readonly stun?: readonly string[]
  readonly addresses: readonly string[]
  readonly run?: string
  readonly listen?: readonly string[]
  readonly linger: number
  readonly dryRun?: boolean
  readonly resumeWith?: string
  readonly invitation?: string
  readonly passphraseFile?: string
}

/** Any free port, which the others learn from whoever this peer is connected to; and a way through the bootstrap peer. */
const LISTEN_DEFAULT = ['/ip4/0.0.0.0/tcp/0', '/webrtc']

/** In a private network, where WebRTC is off: the bootstrap peer passes the bytes on. */
const LISTEN_PRIVATE = ['/ip4/0.0.0.0/tcp/0', '/p2p-circuit']

/** @throws UserError and every error class that explain.ts knows; the signal's reason */
export async function join(flags: JoinFlags, host: CommandHost): Promise<void> {
  const { run, addresses, dir } = flags
  if (run === undefined) {
    if (flags.dryRun) throw new UserError('--dry-run needs to know the run: add --run FILE', 2)
    if (addresses.length === 0) {
      throw new UserError(
        'give the ADDRESS of a peer to join through (fedpeft-node bootstrap prints one), or a run with --run FILE',
        2
      )
    }
    return list(flags, host)
  }
  const local = await localRun(run, dir)
  if (flags.dryRun) {
    if (local === null) {
      throw new UserError(
        `--run ${run}: --dry-run goes nowhere online, and this peer has no such run yet: give the manifest's file`,
        2
      )
    }
    return dryRun(local.manifest, flags, host)
  }
  const unlock = await onceThereIsSpace(() => openPeerFolder(dir), host)
  try {
    const describe = (process: ProcessReport): Report => peerReportOf(process, null, null)
    const operations = await Operations.open(dir, flags, host.output, describe)
    try {
      const passphrases = passphrasesHere(flags.passphraseFile, host.signal)
      const identity = await onceThereIsSpace(() => openIdentity(dir, passphrases), host)
      await joinAs(identity, run, local, flags, host, operations)
    } finally {
      await operations.close()
    }
  } finally {
    await unlock()
  }
}

async function list(flags: JoinFlags, host: CommandHost): Promise<void> {
  const settings = await networkSettings(flags, systemClock.nowMs())
  // Looking around leaves nothing behind, neither here nor there.
  const identity = await temporaryIdentity()
  const { addresses } = flags
  const entry = await enterNetwork({ identity, listen: [], addresses, knownPeers: [], settings }, host)
  try {
    await listOfferedRuns(entry, host)
  } finally {
    await entry.close()
  }
}

async function joinAs(
  identity: Identity,
  run: string,
  local: ChosenRun | null,
  flags: JoinFlags,
  host: CommandHost,
  operations: Operations
): Promise<void> {
  const { output, signal } = host
  operations.is(identity.peerId)
  const { addresses, dir, stun = [] } = flags
  const settings = await networkSettings(flags, systemClock.nowMs())
  const listen = flags.listen ?? (settings.networkKey === undefined ? LISTEN_DEFAULT : LISTEN_PRIVATE)
  const knownPeers = await readKnownPeers(nodeFiles(dir))
  if (local === null && addresses.length + knownPeers.length === 0) {
    throw new UserError(`--run ${run}: no such file; to look for a run of that id give an ADDRESS`, 2)
  }
  let redemption: Redemption | undefined
  const admit = async (chosen: ChosenRun): Promise<Redemption | undefined> => {
    redemption = await redemptionFor(chosen, flags.invitation, identity.peerId, nodeFiles(dir))
    return redemption
  }
  const preparation = new Preparation(admit, flags, host)
  const hasPeers = addresses.length + knownPeers.length > 0
  // What is wrong on this machine is told before anybody else hears of it.
  let workshop = local === null ? null : await preparation.alone(local, hasPeers)
  let entry: Entry | null = null
  try {
    signal.throwIfAborted()
    const door = await openDoor(dir, operations, output)
    const options = {
      ...{ identity, listen, addresses, knownPeers, settings, stun, door },
      ...operations.networkInit()
    }
    entry = await enterNetwork(options, host)
    tellWhere(entry, output)
    operations.watch(entry.network)
    const chosen = local ?? (await offeredRun(run, entry, signal))
    workshop ??= await preparation.withPeers(chosen, entry.network)
    tellWhat(chosen, workshop, output)
    signal.throwIfAborted()
    const { linger, resumeWith } = flags
    const resume =
      resumeWith === undefined ? null : resumptionOf(resumeWith, chosen.manifest, identity.peerId)
    const upload = uploadRates(flags)
    const part = {
      run: chosen,
      workshop,
      entry,
      identity,
      dir,
      lingerSeconds: linger,
      resume,
      redemption,
      upload,
      sharedModel: shareableBase(workshop.base, flags),
      operations
    }
    await takePart(part, host)
  } finally {
    await entry?.close()
    await workshop?.pool.close()
  }
}

function tellWhere({ network }: Entry, output: Output): void {
  const addresses = network.addresses()
  output.event({ event: 'listening', peer: network.peerId, addresses })
  output.say(`this peer is ${network.peerId}`)
  for (const address of addresses) output.say(`  others can reach it at ${address}`)
}

function tellWhat({ id, manifest, source }: ChosenRun, workshop: Workshop, output: Output): void {
  const { name, author, rounds, cohort } = manifest
  const { base, shard, backend, examples, plan } = workshop
  output.event({ event: 'run', run: id, name, author, rounds, source })
  output.event({
    event: 'ready',
    model: base.name,
    modelSha256: base.sha256,
    data: shard.description,
    examples,
    backend,
    plan: planFields(plan, manifest.training)
  })
  output.say(
    `run "${name}" ${id}\n  by ${author}: ${rounds} rounds, begins when ${cohort.founders} members are here`
  )
  const privacy = runPrivacyOf(manifest, workshop.trainer.layout, cohort.founders)
  if (privacy !== null) output.event({ event: 'privacy', ...privacy })
  tellRunPrivacy(privacy, output)
}
