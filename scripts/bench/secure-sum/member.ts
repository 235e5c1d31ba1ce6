/**
 * A member of one attempt, taken through the steps of the round's machine by hand. What a cohort would agree on is put where
 * an agreement leaves it; everything else is made by the code that makes it in a round.
 */
import type { CryptoSuite } from '../../../aggregation/crypto-suite.ts'
import { laneCountOf } from '../../../aggregation/encoding.ts'
import type { SignedMask } from '../../../aggregation/mask-stream.ts'
import { roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import {
  onBodyHeld,
  onInputMasked,
  onMaskedInput,
  onTrained,
  takeInventory
} from '../../../node/round/inputs.ts'
import { adoptRoster, advertiseKeys } from '../../../node/round/roster.ts'
import { createRoundMachine } from '../../../node/round/round-machine.ts'
import {
  type AttemptState,
  type Draft,
  newAttempt,
  type SurvivorEntry
} from '../../../node/round/round-state.ts'
import type { Effect, RoundDeps } from '../../../node/round/round-types.ts'
import { acknowledgeShares, adoptShares, onShareKeys, shareKeys } from '../../../node/round/shares.ts'
import { onUnmaskBundle, openSum, releaseShares } from '../../../node/round/unmasking.ts'
import { type Subject, votePayload } from '../../../protocols/certificate.ts'
import { openMessage, type SignedMessage, sealMessage } from '../../../protocols/envelope.ts'
import { Decision, Envelope } from '../../../protocols/messages.js'
import type { TestMember, TestRun } from '../../../test/support/chains.ts'

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>

export interface MaskKeys {
  readonly selfKey: Uint8Array
  readonly pairMasks: readonly SignedMask[]
}

/** Prepare and commit, for each of four subjects. */
const VOTES = 8

export class BenchMember {
  readonly id: string
  readonly #crypto: CryptoSuite
  readonly #deps: RoundDeps
  readonly #draft: Draft
  readonly #attempt: AttemptState

  constructor({ id, signer }: TestMember, { run, layout, manifest, tip }: TestRun, crypto: CryptoSuite) {
    this.id = id
    this.#crypto = crypto
    this.#deps = {
      crypto,
      signer,
      self: id,
      run,
      factorsOf: () => (manifest.strategy === 'ffa' ? ['B'] : ['A', 'B']),
      laneCountOf: (size, completed) => laneCountOf(roundEncodingOf(run, layout, size, completed))
    }
    const state = createRoundMachine(this.#deps).initial(0)
    this.#draft = { state, deps: this.#deps, nowMs: 0, effects: [], inbox: [] }
    this.#attempt = newAttempt(tip, null, this.#deps, 'full', 0)!
  }

  /** Step 1: fresh keys. */
  advertise(): SignedMessage {
    advertiseKeys(this.#draft, this.#attempt)
    return this.#said('advertise-keys')
  }

  /** Everyone's keys checked and taken. */
  takeRoster(decision: Uint8Array): void {
    adoptRoster(this.#draft, this.#attempt, decision, Decision.decode(decision).roster!)
  }

  /** Step 2: both secrets split and sealed for everyone. */
  deal(): SignedMessage {
    shareKeys(this.#draft, this.#attempt)
    return this.#said('share-keys')
  }

  /** @param message - checked by `hear` */
  takeShares(message: SignedMessage): void {
    onShareKeys(this.#draft, this.#attempt, message)
  }

  /** Checks form and signature of what another member said, as the message channel does. */
  hear(bytes: Uint8Array): SignedMessage {
    return openMessage(bytes, this.#crypto)
  }

  acknowledge(): SignedMessage {
    acknowledgeShares(this.#draft, this.#attempt)
    return this.#said('share-ack')
  }

  takeDealers(decision: Uint8Array): void {
    this.#decide('shares', decision)
    adoptShares(this.#draft, this.#attempt, Decision.decode(decision).shares!)
  }

  /**
   * What only whoever opens the sum needs. No peer holds what all peers hold: the garbage collector would go through n times
   * as much as it does in any of them.
   */
  forgetCommitments(): void {
    this.#attempt.shareMessages.clear()
    this.#attempt.transcript.clear()
  }

  /** Step 3: the keys of its masks. */
  maskKeys(): MaskKeys {
    this.#attempt.training = 'running'
    onTrained(this.#draft, this.#attempt)
    return this.#effect('mask')
  }

  /** Announces its masked input. */
  announce(address: Uint8Array, lengthBytes: number): SignedMessage {
    const { round, attempt } = this.#attempt
    onInputMasked(this.#draft, this.#attempt, { type: 'input-masked', round, attempt, address, lengthBytes })
    const message = this.#said('masked-input')
    onMaskedInput(this.#draft, this.#attempt, message)
    return message
  }

  /** Takes what another announced, and the body itself. */
  takeInput(message: SignedMessage, address: Uint8Array): void {
    onMaskedInput(this.#draft, this.#attempt, message)
    onBodyHeld(this.#draft, this.#attempt, message.sender, address)
    this.#forget()
  }

  inventory(): SignedMessage {
    takeInventory(this.#draft, this.#attempt)
    return this.#said('inventory')
  }

  /** Step 4: the survivors are decided, perhaps anew. */
  takeSurvivors(decision: Uint8Array, survivors: readonly SurvivorEntry[]): void {
    this.#decide('survivors', decision)
    const attempt = this.#attempt
    attempt.survivors = survivors
    attempt.released = false
    attempt.unmasking = 'none'
    attempt.bundles.clear()
  }

  /** Step 5: its shares of the survivors' seeds and of the others' keys. */
  release(): SignedMessage {
    releaseShares(this.#draft, this.#attempt)
    return this.#said('unmask-bundle')
  }

  takeBundle(message: SignedMessage): void {
    onUnmaskBundle(this.#draft, this.#attempt, message)
  }

  /** Every secret recovered and checked: the masks that are left in the sum. */
  recover(): EffectOf<'unmask'> {
    openSum(this.#draft, this.#attempt)
    return this.#effect('unmask')
  }

  /** All that it says while the cohort agrees, without what the leader says. */
  voteBytes(): number {
    const context = this.#attempt.rosterContext!
    const payload = votePayload('survivors', 0, context.rosterHash)
    return VOTES * sealMessage('prepare', context, payload, this.#deps.signer, this.#crypto).bytes.length
  }

  #decide(subject: Subject, decision: Uint8Array): void {
    const valueHash = this.#crypto.sha256(decision)
    this.#attempt.agreements[subject].decided = {
      decision,
      certificate: { kind: 'commit', subject, view: 0, valueHash, signatures: [] }
    }
  }

  #said(type: string): SignedMessage {
    const { effects, inbox } = this.#draft
    const messages = [...inbox, ...effects.flatMap(effect => ('message' in effect ? [effect.message] : []))]
    const said = messages.find(message => message.type === type)
    this.#forget()
    if (said === undefined) throw new Error(`the machine says no ${type}`)
    return said
  }

  #effect<T extends Effect['type']>(type: T): EffectOf<T> {
    const effect = this.#draft.effects.find((made): made is EffectOf<T> => made.type === type)
    this.#forget()
    if (effect === undefined) throw new Error(`the machine asks for no ${type}`)
    return effect
  }

  #forget(): void {
    this.#draft.effects.length = 0
    this.#draft.inbox.length = 0
  }
}

/** A decision as the machine would propose it. */
export function rosterDecision(advertised: readonly SignedMessage[]): Uint8Array {
  const envelopes = advertised.map(({ bytes }) => Envelope.decode(bytes))
  return Decision.encode({ roster: { proposer: 0, advertised: envelopes } })
}

export function sharesDecision(messages: readonly SignedMessage[]): Uint8Array {
  const dealers = messages.map(({ hash }, index) => ({ index, hash }))
  return Decision.encode({ shares: { proposer: 0, dealers } })
}
