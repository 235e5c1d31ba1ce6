/** What a peer is made of, what it tells, and how it is held. */
import type { CryptoSuite, Signer } from '../../aggregation/crypto-suite.ts'
import type { Random } from '../../aggregation/random.ts'
import type { PrivacySpent } from '../../aggregation/replicated-state.ts'
import type { UploadRates } from '../../protocols/blob-exchange.ts'
import type { ChainTip, LinkKind, RunEnd } from '../../protocols/chain-tip.ts'
import type { EvidenceKind } from '../../protocols/evidence-kinds.ts'
import type { LinkBody, Redemption } from '../../protocols/messages.js'
import type { Clock, Files, Network, PeerId } from '../../protocols/ports.ts'
import type { RunRegistry } from '../../protocols/run-registry.ts'
import type { SignedManifest } from '../../protocols/signed-manifest.ts'
import type { AttemptProgress } from '../round/attempt-progress.ts'
import type { Notice, RoundPhase } from '../round/round-types.ts'
import type { Trainer, TrainingEnd } from '../train/trainer.ts'
import type { AuthorCommand, Ordered } from './author-commands.ts'
import type { RoundBytes } from './byte-account.ts'
import type { Masking } from './masking.ts'
import type { ShareableModel } from './model-sharing.ts'

/** The world as one peer sees it. The caller opens and closes all of it. */
export interface PeerPorts {
  readonly clock: Clock
  readonly crypto: CryptoSuite
  /** Of the identity behind `network.peerId`. */
  readonly signer: Signer
  readonly network: Network
  /** The peer writes below `runs/<run id>/` only. */
  readonly files: Files
  readonly trainer: Trainer
  /** Where masks are made; by default on this thread, with `crypto`. */
  readonly masking?: Masking
  /** The list of offered runs of this network, if there is one already; else the peer keeps one of its own. */
  readonly runs?: RunRegistry
  /** Of no consequence to the run: for whoever looks for a fault. */
  log(message: string): void
  /** For stochastic rounding, one for each round. By default seeded from `crypto.randomBytes`. */
  rounding?(): Random
  /**
   * For privacy noise, one for each input. By default the cipher's key stream under a fresh key; anything that can be guessed
   * undoes the noise, so only a test gives another.
   */
  noise?(): Random
}

export interface PeerConfig {
  readonly signedManifest: SignedManifest
  /** Windows of `training.sequenceLength` tokens in the private data: decides the weight, rounded and capped. */
  readonly examples: number
  /** How fast others are served with blobs. */
  readonly upload?: UploadRates
  /** What lets this peer in, in a run by invitation. */
  readonly redemption?: Redemption
  /** The base model, for peers of the run that lack it; by default none is shared. */
  readonly sharedModel?: ShareableModel
}

export type PeerEvent =
  /** What the round's machine says: phases, who is waited for, views, refusals. */
  | Notice
  /** After each step of local training. `loss` in nats per token. */
  | {
      readonly type: 'training'
      readonly round: number
      readonly attempt: number
      readonly steps: number
      readonly ofSteps: number
      readonly loss: number
    }
  /** Local training is over. */
  | {
      readonly type: 'trained'
      readonly round: number
      readonly attempt: number
      readonly steps: number
      readonly ofSteps: number
      readonly endedBy: TrainingEnd
      /** Wall time of the steps; null if it was not measured. */
      readonly seconds: number | null
      /** What the whole machine took meanwhile; null where it does not say. */
      readonly energyJoules: number | null
    }
  /** The founding list is on the disk. */
  | { readonly type: 'founded'; readonly tip: ChainTip }
  /** A link, its state and its adapter are on the disk. `bytes`: since the link before. */
  | {
      readonly type: 'link'
      readonly kind: LinkKind
      readonly link: LinkBody
      readonly tip: ChainTip
      readonly bytes: RoundBytes
    }
  /** Links that others made while this peer was away are on the disk, with the state after them. */
  | { readonly type: 'caught-up'; readonly from: PeerId; readonly tip: ChainTip; readonly links: number }
  /** The sum opened to something that no honest inputs can give: the round will be lost. */
  | {
      readonly type: 'sum-refused'
      readonly round: number
      readonly attempt: number
      readonly reason: string
    }
  /**
   * A member has cheated; what shows it is on the disk, in `file` (a path of the port `Files`). It is expelled by the next
   * link whose leader knows of it.
   */
  | {
      readonly type: 'blamed'
      readonly peer: PeerId
      readonly kind: EvidenceKind
      readonly what: string
      /** When it did it. */
      readonly round: number
      readonly attempt: number
      readonly file: string
    }
  /** The disk is full: the peer takes no part until there is space, and then goes on by itself. */
  | ({ readonly type: 'disk-full' } & DiskFull)
  /** There is space again. */
  | { readonly type: 'disk-ready'; readonly pausedMs: number }
  /** Something went wrong that the peer gets over by itself. */
  | { readonly type: 'warning'; readonly message: string }
  /** Something went wrong that it does not: it has stopped. */
  | { readonly type: 'error'; readonly error: Error }
  | { readonly type: 'finished'; readonly result: PeerResult }

export interface PeerResult {
  readonly completedRounds: number
  /** Content address [32] of the replicated state. */
  readonly stateHash: Uint8Array
  /** The global adapter [d]. */
  readonly adapter: Float32Array
  /** Why no round follows: all are done, or another would pass the run's epsilon. */
  readonly end: RunEnd
  /** Null in a run without noise. */
  readonly privacySpent: PrivacySpent | null
}

/** What a peer waits for that could not write. */
export interface DiskFull {
  /** What it was about to write. */
  readonly path: string
  readonly message: string
  /** Of that disk; null where the system does not say. */
  readonly freeBytes: number | null
  /** With so much it goes on. */
  readonly neededBytes: number
  /** By the peer's clock. */
  readonly sinceMs: number
}

export type PeerCondition =
  | 'new'
  | 'starting'
  | 'running'
  /** It stays up and takes no part: see `diskFull`. */
  | 'paused-disk-full'
  | 'finished'
  | 'stopped'
  | 'failed'

export interface PeerStatus {
  readonly condition: PeerCondition
  /** Under the condition `paused-disk-full` only. */
  readonly diskFull?: DiskFull
  /** Run id, hexadecimal. */
  readonly run: string
  readonly self: PeerId
  readonly phase: RoundPhase
  readonly round: number
  readonly attempt: number
  /** When this phase began, by the peer's clock. */
  readonly phaseSinceMs: number
  readonly aggregator: PeerId | null
  /** Of the round under way. */
  readonly cohort: readonly PeerId[]
  /** As the chain has them; those heard of so far before the founding are not listed. */
  readonly members: readonly PeerId[]
  /** Who is waited for, if the run waits for someone. */
  readonly missing: readonly PeerId[]
  /** How far the attempt under way has come; null before the start. */
  readonly progress: AttemptProgress | null
  /** By the chain, and by the round under way once its survivors are committed; null in a run without noise. */
  readonly privacySpent: PrivacySpent | null
  /** Why the run stands still until its author sets the members anew; null if it does not. */
  readonly paused: string | null
  /** Where the chain stands; null before the founding. */
  readonly tip: ChainTip | null
  /** Of the attempt under way: whose masked input was announced, and whose is here. */
  readonly announced: readonly PeerId[]
  readonly held: readonly PeerId[]
  readonly connected: readonly PeerId[]
  /** Since the start. */
  readonly bytes: RoundBytes
}

export interface Peer {
  /**
   * Opens the disk, joins the run and takes part until it is over. What it served goes on being served after that.
   * @throws PeerError BROKEN_STORE, STORE_FAILED, or STOPPED if it was stopped meanwhile
   */
  start(): Promise<void>
  /** Leaves the run; what is under way is given up, what is being written is finished. Never throws. */
  stop(): Promise<void>
  /**
   * Lets a paused run go on with these members. For the run's author.
   * @throws PeerError NOT_PAUSED; ProtocolError BAD_LINK if there are too few; FilesError
   */
  reconfigure(members: readonly PeerId[]): Promise<void>
  /**
   * Has something done in the run. For its author.
   * @throws PeerError NOT_AUTHOR, NOT_PAUSED, NOT_NOW; ProtocolError BAD_LINK; FilesError
   */
  order(command: AuthorCommand): Promise<Ordered>
  /** @returns a function that stops the listening */
  on(listen: (event: PeerEvent) => void): () => void
  status(): PeerStatus
  /** The global adapter [d] as the chain has it now. */
  adapter(): Float32Array
  /** Rejects with PeerError STOPPED or STORE_FAILED, or with what went wrong. */
  readonly finished: Promise<PeerResult>
}
