/**
 * What goes into and comes out of the round's state machine. The machine does no I/O and reads no clock: its host
 * (node/peer) carries out the effects in order and feeds the events back.
 */
import type { AdapterFactor } from '../../aggregation/adapter-layout.ts'
import type { CryptoSuite, Signer } from '../../aggregation/crypto-suite.ts'
import type { SignedMask } from '../../aggregation/mask-stream.ts'
import type { PrivacySpent } from '../../aggregation/replicated-state.ts'
import type { AdmissionFault } from '../../protocols/admission.ts'
import type { Subject } from '../../protocols/certificate.ts'
import type { ChainTip, LinkKind, RunContext } from '../../protocols/chain-tip.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import type { CheckedEvidence } from '../../protocols/evidence.ts'
import type { LinkBody, Redemption } from '../../protocols/messages.js'
import type { AuthorOrder } from '../../protocols/orders.ts'
import type { GiveUpReason, Pause } from '../../protocols/pause.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { JournalEntry } from './journal.ts'

/**
 * The field's phase names, in order; `SumOfCohorts` is a larger network after this peer's own cohort is done, `Following` a
 * peer outside this round's cohort, `Aborted` a run that is paused until its author sets the members anew, `Finished` one that
 * is over.
 */
export type RoundPhase =
  | 'WaitingForMembers'
  | 'AdvertiseKeys'
  | 'ShareKeys'
  | 'LocalTraining'
  | 'MaskedInputCollection'
  | 'ConsistencyCheck'
  | 'Unmasking'
  | 'ServerStep'
  | 'SumOfCohorts'
  | 'Following'
  | 'Aborted'
  | 'Finished'

/** What the machine stands on; none of it changes. */
export interface RoundDeps {
  readonly crypto: CryptoSuite
  readonly signer: Signer
  readonly self: PeerId
  readonly run: RunContext
  /** Factors trained after this many completed rounds (the strategy). */
  factorsOf(completedRounds: number): readonly AdapterFactor[]
  /** Lanes of one masked input of that round; a body has lanesByteLength of them. */
  laneCountOf(cohortSize: number, completedRounds: number): number
  /** What lets this peer in, in a run by invitation. */
  readonly redemption?: Redemption
}

export type RoundEvent =
  /** A message whose envelope and signature have been checked. */
  | { readonly type: 'message'; readonly message: SignedMessage }
  /** Evidence that was kept on the disk, at the start. */
  | { readonly type: 'evidence'; readonly bytes: Uint8Array }
  /** What the person behind this peer, the run's author, wants done from here on, until the chain has it. */
  | { readonly type: 'orders'; readonly orders: readonly AuthorOrder[] }
  /** Time has passed: sent at `wakeAtMs`, or at any other moment. */
  | { readonly type: 'tick' }
  /** A member came into reach, or went. */
  | { readonly type: 'peer'; readonly peer: PeerId; readonly connected: boolean }
  /**
   * The chain stands here now: at the start (from disk), or because a longer chain was pulled and its state checked.
   * The machine drops what it was doing and asks for a probe before it takes part in the attempt.
   */
  | { readonly type: 'adopt'; readonly tip: ChainTip }
  /** The author would go on with other members: whoever is left is to say no more in this attempt. */
  | { readonly type: 'stand-down' }
  /** The answer to a `probe` effect: the journal of this attempt, and what others hold of it. */
  | {
      readonly type: 'probed'
      readonly round: number
      readonly attempt: number
      /** Of a larger network: which cohort was asked. */
      readonly cohort: string | undefined
      readonly journal: readonly JournalEntry[]
      readonly transcript: readonly SignedMessage[]
      /** Other cohort members that answered. */
      readonly answers: number
    }
  /** Local training is done; the host keeps the encoded input. */
  | { readonly type: 'trained'; readonly round: number; readonly attempt: number }
  | {
      readonly type: 'training-failed'
      readonly round: number
      readonly attempt: number
      readonly reason: string
    }
  /** The masked input is made and served under `address`. */
  | {
      readonly type: 'input-masked'
      readonly round: number
      readonly attempt: number
      readonly address: Uint8Array
      readonly lengthBytes: number
    }
  /** The masked input of `owner` is here and matches its address. */
  | { readonly type: 'body-held'; readonly owner: PeerId; readonly address: Uint8Array }
  /** The sum is open and the server step done, in memory: nothing is adopted before the link is certified. */
  | {
      readonly type: 'unmasked'
      readonly round: number
      readonly attempt: number
      readonly outcome: RoundOutcome
      /** Of the sum, if it was to be served. */
      readonly sumAddress: Uint8Array | null
    }
  /** The sum of a leaf is open and served under `address`. */
  | {
      readonly type: 'summed'
      readonly round: number
      readonly attempt: number
      readonly address: Uint8Array
      readonly lengthBytes: number
    }
  /** The certified sum of a cohort below is here. `isSound`: its survivors may have put in as much. */
  | {
      readonly type: 'sum-held'
      readonly round: number
      readonly attempt: number
      readonly address: Uint8Array
      readonly isSound: boolean
    }
  /** A parent cohort's sums are added up. */
  | {
      readonly type: 'sums-added'
      readonly round: number
      readonly attempt: number
      /** Which parent cohort. */
      readonly cohort: string
      /** As in the effect. */
      readonly key: string
      readonly added: AddedSums | 'failed'
    }
  /** The sum opened to something that no honest inputs give: every verifier sees the same, so the round is lost. */
  | {
      readonly type: 'unmask-failed'
      readonly round: number
      readonly attempt: number
      readonly reason: string
    }

/** What every verifier must come to alike. */
export interface RoundOutcome {
  /** Content address of the replicated state after the server step. */
  readonly stateHash: Uint8Array
  readonly weightSum: number
  /** Nats per token; 0 in a run with noise, which publishes none. */
  readonly meanLoss: number
}

/** A round's sum, unmasked: whoever has the state before it can make the new state from it. */
export interface OfferedSum {
  readonly address: Uint8Array
  readonly lengthBytes: number
  /** Who is said to hold it. */
  readonly holders: readonly PeerId[]
}

/** What the sums of some cohorts add up to: a sum for the node above, or at the root the end of the round. */
export type AddedSums =
  | { readonly type: 'sum'; readonly address: Uint8Array; readonly lengthBytes: number }
  | { readonly type: 'outcome'; readonly outcome: RoundOutcome }

/** Effects are carried out in order; a `journal` effect is on the disk before the next one starts. */
export type Effect =
  | { readonly type: 'journal'; readonly entry: JournalEntry }
  /**
   * By gossip: to everyone in the run, or to the cohort of a larger network that it was said in; or, if `topic` names
   * one, to another cohort. `run` is everyone.
   */
  | { readonly type: 'gossip'; readonly message: SignedMessage; readonly topic?: string }
  /** The cohorts of a larger network whose gossip this peer hears from now on, besides that of the run. */
  | { readonly type: 'listen'; readonly cohorts: readonly string[] }
  /** To these peers directly (never to oneself). */
  | { readonly type: 'send'; readonly to: readonly PeerId[]; readonly message: SignedMessage }
  /** Train on the private data, clip, encode; keep the result; answer `trained` or `training-failed`. */
  | {
      readonly type: 'train'
      readonly round: number
      readonly attempt: number
      readonly height: number
      readonly completedRounds: number
      readonly cohortSize: number
      readonly factors: readonly AdapterFactor[]
    }
  /** Mask the kept input and serve it as a blob; answer `input-masked`. */
  | {
      readonly type: 'mask'
      readonly round: number
      readonly attempt: number
      readonly selfKey: Uint8Array
      readonly pairMasks: readonly SignedMask[]
    }
  /** Get the masked input of `owner` from any of the holders; answer `body-held`. */
  | {
      readonly type: 'pull'
      readonly owner: PeerId
      readonly address: Uint8Array
      readonly lengthBytes: number
      /** The owner first; then those who should hold it too. */
      readonly holders: readonly PeerId[]
      /** Place in the order in which members pull: the aggregator 0, its stand-ins next, then everyone else. */
      readonly precedence: number
    }
  /**
   * Add the masked inputs, remove the masks; then run the server step and answer `unmasked`, or (a leaf of a larger
   * network) serve the sum and answer `summed`.
   */
  | {
      readonly type: 'unmask'
      readonly round: number
      readonly attempt: number
      readonly completedRounds: number
      readonly cohortSize: number
      /** In roster order. */
      readonly survivors: ReadonlyArray<{ readonly peer: PeerId; readonly address: Uint8Array }>
      /** Per survivor, in the same order. */
      readonly selfKeys: readonly Uint8Array[]
      readonly droppedPairMasks: readonly SignedMask[]
      /** Once this sum is open; null in a run without noise. */
      readonly privacySpent: PrivacySpent | null
      readonly into: 'state' | 'sum'
      /** Others will want the sum: serve it, and answer with its address. */
      readonly servesSum: boolean
    }
  /** Get the certified sum of a cohort below from any of the holders; check its bounds; answer `sum-held`. */
  | {
      readonly type: 'pull-sum'
      readonly round: number
      readonly attempt: number
      readonly completedRounds: number
      readonly encodedFor: number
      readonly address: Uint8Array
      readonly lengthBytes: number
      /** How many inputs it holds. */
      readonly survivors: number
      readonly holders: readonly PeerId[]
    }
  /**
   * Add up the sums of cohorts that are here; then serve the sum, or at the root run the server step; answer
   * `sums-added`.
   */
  | {
      readonly type: 'add-sums'
      readonly round: number
      readonly attempt: number
      readonly completedRounds: number
      readonly encodedFor: number
      readonly cohort: string
      readonly key: string
      readonly addresses: readonly Uint8Array[]
      /** How many inputs they hold together. */
      readonly survivors: number
      readonly privacySpent: PrivacySpent | null
      readonly into: 'state' | 'sum'
    }
  /**
   * A link is certified. `ready`: this peer computed its state itself (or the link leaves the state as it was), so
   * the host adopts the computed state and writes link, state and adapter to disk. Otherwise it makes the state from the
   * sum, or pulls it by its hash, and answers `adopt`.
   */
  | {
      readonly type: 'commit'
      readonly link: LinkBody
      readonly certified: Uint8Array
      readonly tip: ChainTip
      readonly ready: boolean
      /** Who has its state for certain, or will have it first; everyone else may have it. */
      readonly holders: readonly PeerId[]
      /** In a larger network: how many turns of pulling come before this peer's. */
      readonly turn: number
      /** As most of the verifiers say that attest the link; null if none of them names one. */
      readonly sum: OfferedSum | null
    }
  /** A founding list, to be written as the chain's beginning. */
  | { readonly type: 'found'; readonly founding: Uint8Array; readonly tip: ChainTip }
  /** Collect the journal of this attempt and what others hold of it; answer `probed`. */
  | {
      readonly type: 'probe'
      readonly round: number
      readonly attempt: number
      /** Of a larger network: which cohort is asked. */
      readonly cohort: string | undefined
      readonly from: readonly PeerId[]
    }
  /** Someone's chain is longer: pull it from there, check it, answer `adopt`. */
  | { readonly type: 'sync'; readonly from: PeerId; readonly height: number }
  /** Masks, inputs and bodies of this attempt are of no more use: let go of them. */
  | { readonly type: 'forget'; readonly round: number; readonly attempt: number }
  /** A member has cheated, and this shows it: write it down where a person can look at it. */
  | { readonly type: 'blame'; readonly evidence: CheckedEvidence }
  /** For the person and the log. */
  | Notice

export type Notice = { readonly type: 'notice' } & (
  | {
      readonly notice: 'phase'
      readonly phase: RoundPhase
      readonly round: number
      readonly attempt: number
      readonly aggregator: PeerId | null
      readonly cohort: readonly PeerId[]
    }
  | {
      readonly notice: 'waiting'
      readonly have: number
      readonly need: number
      readonly missing: readonly PeerId[]
    }
  | {
      readonly notice: 'input-announced'
      readonly round: number
      readonly attempt: number
      readonly peer: PeerId
    }
  | { readonly notice: 'input-held'; readonly round: number; readonly attempt: number; readonly peer: PeerId }
  | {
      readonly notice: 'new-view'
      readonly subject: Subject
      readonly view: number
      readonly aggregator: PeerId
    }
  | { readonly notice: 'decided'; readonly subject: Subject; readonly view: number }
  /** The survivors are committed: from here on the round counts, whatever becomes of it. Of all rounds so far. */
  | {
      readonly notice: 'privacy-spent'
      readonly round: number
      readonly attempt: number
      readonly epsilon: number
      readonly delta: number
    }
  /** In a larger network: this peer's place in a round. */
  | {
      readonly notice: 'placed'
      readonly round: number
      readonly attempt: number
      readonly leaf: number
      readonly leaves: number
      readonly levels: number
      readonly cohort: readonly PeerId[]
      /** Levels above the leaves at which this peer adds up. */
      readonly adds: readonly number[]
    }
  /** In a larger network: a cohort that this peer is in has certified its sum, or that it came to none. */
  | {
      readonly notice: 'cohort-sum'
      readonly round: number
      readonly attempt: number
      readonly level: number
      readonly index: number
      readonly kind: 'sum' | 'abort' | 'lost'
      readonly survivors: number
      /** Sums of cohorts that are in it, and that could be; of a leaf 0. */
      readonly children: number
      readonly ofChildren: number
    }
  | { readonly notice: 'link'; readonly kind: LinkKind; readonly link: LinkBody }
  /** An attempt has come to nothing. `missing`: as far as this peer can tell. */
  | {
      readonly notice: 'given-up'
      readonly round: number
      readonly attempt: number
      readonly kind: 'abort' | 'lost'
      readonly reason: GiveUpReason
      readonly missing: readonly PeerId[]
    }
  /** Members that say no more in this attempt, of those needed; `locked`: those that may know of a certified link. */
  | {
      readonly notice: 'stood-down'
      readonly round: number
      readonly attempt: number
      readonly have: number
      readonly need: number
      readonly locked: readonly PeerId[]
    }
  | { readonly notice: 'paused'; readonly pause: Pause; readonly missing: readonly PeerId[] }
  /** The author has ordered something: the next proposal takes it up. */
  | { readonly notice: 'ordered'; readonly order: AuthorOrder }
  /** Somebody says that this peer is not let in; `isProven`: with what shows it. */
  | {
      readonly notice: 'turned-away'
      readonly by: PeerId
      readonly fault: AdmissionFault
      readonly isProven: boolean
    }
  | { readonly notice: 'refused'; readonly peer: PeerId; readonly what: string; readonly reason: string }
  | {
      readonly notice: 'without-secrets'
      readonly round: number
      readonly attempt: number
      readonly reason: string
    }
)

/** The machine as its host sees it. */
export interface RoundMachine<State> {
  initial(nowMs: number): State
  step(
    state: State,
    event: RoundEvent,
    nowMs: number
  ): { readonly state: State; readonly effects: readonly Effect[] }
  /** When a `tick` is due. */
  wakeAtMs(state: State): number
}
