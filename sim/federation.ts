/** Runs one federated run with all of its peers in this process, over whatever network they are given. */
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import type { PrivacySpent } from '../aggregation/replicated-state.ts'
import type { RoundBytes } from '../node/peer/byte-account.ts'
import type { Peer, PeerEvent, PeerResult } from '../node/peer/peer-types.ts'
import { createPeer } from '../node/peer.ts'
import type { Notice } from '../node/round/round-types.ts'
import type { Trainer } from '../node/train/trainer.ts'
import type { RunEnd } from '../protocols/chain-tip.ts'
import { toHex } from '../protocols/hex.ts'
import { pauseWords } from '../protocols/pause.ts'
import type { Clock, Files, Network, PeerId } from '../protocols/ports.ts'
import type { SignedManifest } from '../protocols/signed-manifest.ts'
import { SimError } from './errors.ts'
import { type MeasuredVerification, VerificationMeter } from './measured-verification.ts'

/** One peer's world. Peers share no mutable object: what computes for several of them keeps nothing between jobs. */
export interface SimMember {
  /** The client whose data it has, for people. */
  readonly name: string
  readonly signer: Signer
  readonly network: Network
  readonly files: Files
  readonly trainer: Trainer
  /** Training windows in its data. */
  readonly examples: number
}

export interface FederationOptions {
  readonly clock: Clock
  readonly crypto: CryptoSuite
  readonly signedManifest: SignedManifest
  /** Every event of every peer. */
  readonly onEvent?: (member: SimMember, event: PeerEvent, peer: Peer) => void
  readonly log?: (member: SimMember, message: string) => void
  readonly signal?: AbortSignal
  /** How long the peers go on serving after the end, for members elsewhere that are a moment behind. */
  readonly lingerMs?: number
}

export interface FederationResult {
  readonly completedRounds: number
  /** Hexadecimal, the same for every peer. */
  readonly stateSha256: string
  /** The global adapter [d]. */
  readonly adapter: Float32Array
  /** Mean over peers and rounds, in bytes, by purpose; of the rounds that ran in this process. */
  readonly bytesPerPeerPerRound: RoundBytes
  readonly end: RunEnd
  /** Null in a run without noise. */
  readonly privacySpent: PrivacySpent | null
  readonly verification: MeasuredVerification
}

/**
 * Starts the peers, waits until the run is over for all of them, and compares what they came to.
 * @throws SimError DIVERGED, PEER_FAILED, PAUSED; the signal's reason if it fires
 */
export async function runFederation(
  members: readonly SimMember[],
  options: FederationOptions
): Promise<FederationResult> {
  const { clock, crypto, signedManifest, signal } = options
  const bytes: RoundBytes[] = []
  const meter = new VerificationMeter(signedManifest, crypto)
  const stopped = Promise.withResolvers<never>()
  const peers = members.map(member => {
    const { signer, network, files, trainer, examples } = member
    const log = (message: string) => options.log?.(member, message)
    const peer = createPeer(
      { clock, crypto, signer, network, files, trainer, log },
      { signedManifest, examples }
    )
    peer.on(event => {
      if (event.type === 'link') bytes.push(event.bytes)
      meter.take(network.peerId, event)
      if (event.type === 'notice' && event.notice === 'paused') stopped.reject(paused(event, members))
      options.onEvent?.(member, event, peer)
    })
    return peer
  })
  const onAbort = () => stopped.reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    const over = Promise.all(peers.map((peer, i) => resultOf(peer, members[i]!)))
    const results = await Promise.race([over, stopped.promise])
    const { lingerMs = 0 } = options
    if (lingerMs > 0)
      await Promise.race([new Promise<void>(resolve => clock.after(lingerMs, resolve)), stopped.promise])
    return {
      ...sameResult(members, results),
      bytesPerPeerPerRound: meanBytes(bytes),
      verification: meter.measured
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    await Promise.all(peers.map(peer => peer.stop()))
  }
}

/** Nobody here plays the author who would set the members anew. */
function paused({ pause, missing }: Notice & { notice: 'paused' }, members: readonly SimMember[]): SimError {
  const nameOf = (peer: PeerId): string =>
    members.find(({ network }) => network.peerId === peer)?.name ?? `…${peer.slice(-6)}`
  return new SimError('PAUSED', { code: pause.code }, pauseWords(pause, missing.map(nameOf)))
}

async function resultOf(peer: Peer, { name }: SimMember): Promise<PeerResult> {
  try {
    await peer.start()
    return await peer.finished
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SimError('PEER_FAILED', { peer: name }, `the peer of ${name} has stopped: ${reason}`, { cause })
  }
}

function sameResult(
  members: readonly SimMember[],
  results: readonly PeerResult[]
): Omit<FederationResult, 'bytesPerPeerPerRound' | 'verification'> {
  const hashes = results.map(({ stateHash }) => toHex(stateHash))
  if (new Set(hashes).size !== 1) {
    const lines = members.map(({ name }, i) => `${name}: ${hashes[i]}`)
    throw new SimError('DIVERGED', { hashes }, `the peers came to different states:\n${lines.join('\n')}`)
  }
  const { completedRounds, adapter, end, privacySpent } = results[0]!
  return { completedRounds, stateSha256: hashes[0]!, adapter, end, privacySpent }
}

/** Each count is of one peer between two links. */
function meanBytes(counts: readonly RoundBytes[]): RoundBytes {
  const mean = (purpose: keyof RoundBytes) => {
    const of = (direction: 'sent' | 'received') =>
      Math.round(
        counts.reduce((total, bytes) => total + bytes[purpose][direction], 0) / Math.max(1, counts.length)
      )
    return { sent: of('sent'), received: of('received') }
  }
  return { maskedUpload: mean('maskedUpload'), verification: mean('verification'), control: mean('control') }
}
