/**
 * Random schedules of one agreement among four, of whom one is Byzantine: words are delivered in any order or lost,
 * views time out at any moment, members restart from their journals. The liar hears everything, signs whatever helps,
 * says different things to different members, and keeps certificates back.
 */
import { createHash } from 'node:crypto'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { type Random, seededRandom } from '../../aggregation/random.ts'
import {
  type AgreementOutput,
  type AgreementSetting,
  type AgreementState,
  justified,
  leaderOf,
  newAgreement,
  onCertificate,
  onNewView,
  onProposal,
  onTick,
  onVote,
  openAgreement,
  proposable,
  voteRecipients
} from '../../node/round/agreement.ts'
import type { JournalEntry } from '../../node/round/journal.ts'
import type { AttemptState } from '../../node/round/round-state.ts'
import { restoreAgreements } from '../../node/round/voting.ts'
import { votingRules } from '../../node/round/voting-rules.ts'
import { type VoteKind, votePayload } from '../../protocols/certificate.ts'
import { PROTOCOL_VERSION, type SignedMessage, signedBytes, ZERO_HASH } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Certificate, type Context, type NewView, type Proposal } from '../../protocols/messages.js'
import { publicKeyOf } from '../../protocols/peer-id.ts'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'
import { numberedPeer } from './manifests.ts'

/** The rules under test; a planted error replaces one of them. */
export interface Rules {
  readonly justified: typeof justified
  readonly proposable: typeof proposable
  readonly onProposal: typeof onProposal
  readonly onCertificate: typeof onCertificate
  /** What a member tells a new leader about its lock. */
  readonly reported: (state: AgreementState) => Certificate | undefined
  /** What is left of the journal after a restart. */
  readonly restored: (journal: readonly JournalEntry[]) => readonly JournalEntry[]
}

export const soundRules: Rules = {
  justified,
  proposable,
  onProposal,
  onCertificate,
  reported: state => state.lock?.certificate,
  restored: journal => journal
}

type Word =
  | {
      readonly kind: 'proposal'
      readonly from: string
      readonly proposal: Proposal
      readonly newViews: readonly SignedNewView[]
    }
  | {
      readonly kind: 'vote'
      readonly message: SignedMessage
      readonly vote: VoteKind
      readonly view: number
      readonly valueHash: Uint8Array
    }
  | { readonly kind: 'certificate'; readonly certificate: Certificate; readonly decision: Uint8Array }
  | { readonly kind: 'new-view'; readonly message: SignedMessage; readonly newView: NewView }

interface SignedNewView {
  readonly sender: string
  readonly newView: NewView
}

interface Letter {
  readonly to: string
  readonly word: Word
}

interface Member {
  readonly id: string
  state: AgreementState
  journal: JournalEntry[]
}

const cohort = [1, 2, 3, 4].map(numberedPeer).sort()
const subject = 'survivors' as const
const viewMs = 1_000
const quorum = quorumOf(cohort.length)
const publicKeys = new Map(cohort.map(id => [id, publicKeyOf(id)]))
const ABORT = Uint8Array.of(0xab)

const context: Context = {
  version: PROTOCOL_VERSION,
  run: ZERO_HASH,
  previousLink: ZERO_HASH,
  round: 0,
  attempt: 0,
  rosterHash: ZERO_HASH,
  baseModel: ZERO_HASH,
  encodingHash: ZERO_HASH
}

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** A signature that only `sign` makes, as nobody here forges; thousands of schedules need no real ones. */
const signatureOf = (publicKey: Uint8Array, message: Uint8Array) => {
  const half = sha256(publicKey, message)
  return Uint8Array.of(...half, ...half)
}
const crypto = {
  sha256,
  ed25519Verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    toHex(signatureOf(publicKey, message)) === toHex(signature)
} as unknown as CryptoSuite

function sign(sender: string, type: SignedMessage['type'], payload: Uint8Array): SignedMessage {
  const signature = signatureOf(publicKeys.get(sender)!, signedBytes(type, context, payload))
  const none = new Uint8Array()
  return { type, context, payload, sender, signature, bytes: none, hash: none }
}

export interface Outcome {
  /** Values committed by honest members, in hexadecimal, each once. */
  readonly committed: readonly string[]
  /** Votes of one honest member for two values in one view. */
  readonly contradictions: readonly string[]
  readonly highestView: number
  readonly restarts: number
}

/** Plays one schedule to its end. */
export function explore(seed: number, rules: Rules, steps = 160): Outcome {
  return new Explorer(seed, rules).run(steps)
}

class Explorer {
  readonly #random: Random
  readonly #rules: Rules
  readonly #liar: string
  readonly #honest: readonly Member[]
  readonly #letters: Letter[] = []
  /** What the liar has heard: everything. */
  readonly #votes = new Map<string, Map<string, SignedMessage>>()
  readonly #values = new Map<string, Uint8Array>()
  readonly #certificates: Array<{ certificate: Certificate; decision: Uint8Array }> = []
  readonly #newViews = new Map<number, Map<string, NewView>>()
  readonly #committed = new Map<string, string>()
  readonly #said = new Map<string, string>()
  readonly #contradictions: string[] = []
  #nowMs = 0
  #restarts = 0

  constructor(seed: number, rules: Rules) {
    this.#random = seededRandom(seed)
    this.#rules = rules
    this.#liar = cohort[this.#below(cohort.length)]!
    this.#honest = cohort
      .filter(id => id !== this.#liar)
      .map(id => ({ id, state: newAgreement(), journal: [] }))
    for (const { id, state } of this.#honest) openAgreement(state, this.#setting(id), 0)
  }

  run(steps: number): Outcome {
    // Every schedule has a temper of its own: from nearly fair to hopeless.
    const loss = this.#below(30)
    const timeOuts = 2 + this.#below(12)
    const lies = this.#below(20)
    const restarts = this.#below(2) * this.#below(6)
    for (let step = 0; step < steps; step++) {
      const dice = this.#below(100)
      const member = this.#honest[this.#below(this.#honest.length)]!
      if (dice < timeOuts) this.#timeOut(member)
      else if (dice < timeOuts + lies) this.#lie()
      else if (dice < timeOuts + lies + restarts) this.#restart(member)
      else if (this.#letters.length > 0) {
        const letter = this.#takeLetter()
        if (this.#below(100) >= loss) this.#deliver(letter)
      } else this.#timeOut(member)
      for (const member of this.#honest) this.#propose(member)
    }
    return {
      committed: [...new Set(this.#committed.values())],
      contradictions: this.#contradictions,
      highestView: Math.max(...this.#honest.map(({ state }) => state.view)),
      restarts: this.#restarts
    }
  }

  #below(limit: number): number {
    return this.#random.nextUint32() % limit
  }

  #pick<T>(list: readonly T[]): T | null {
    return list.length === 0 ? null : list[this.#below(list.length)]!
  }

  #setting(self: string): AgreementSetting {
    const faults = faultsOf(cohort.length)
    const leaders = cohort
    return {
      subject,
      voters: cohort,
      leaders,
      quorum,
      faults,
      self,
      context,
      viewMs,
      crypto,
      rules: votingRules
    }
  }

  #takeLetter(): Letter {
    // Mostly in order, as networks are.
    const at = this.#below(3) > 0 ? 0 : this.#below(this.#letters.length)
    return this.#letters.splice(at, 1)[0]!
  }

  #post(to: readonly string[], word: Word): void {
    for (const id of to) if (id !== this.#liar) this.#letters.push({ to: id, word })
    if (word.kind === 'vote') this.#hearVote(word.message, word.vote, word.view, word.valueHash)
    else if (word.kind === 'certificate') this.#certificates.push(word)
    else if (word.kind === 'new-view') {
      const heard = this.#newViews.get(word.newView.view) ?? new Map<string, NewView>()
      heard.set(word.message.sender, word.newView)
      this.#newViews.set(word.newView.view, heard)
      if (word.message.sender !== this.#liar) this.#join(word.newView.view, to)
    } else {
      const { view, decision } = word.proposal
      const valueHash = sha256(decision)
      this.#values.set(toHex(valueHash), decision)
      this.#favour(view, valueHash)
    }
  }

  /** The liar votes for whatever anyone proposes, and at once in both rounds. */
  #favour(view: number, valueHash: Uint8Array): void {
    const to = voteRecipients(this.#setting(this.#liar), view)
    for (const vote of ['prepare', 'commit'] as const) {
      const message = sign(this.#liar, vote, votePayload(subject, view, valueHash))
      this.#post(to, { kind: 'vote', message, vote, view, valueHash })
    }
  }

  /** It joins every new view, and says that it is locked on nothing. */
  #join(view: number, to: readonly string[]): void {
    const newView = { subject, view } as NewView
    this.#post(to, { kind: 'new-view', message: sign(this.#liar, 'new-view', new Uint8Array()), newView })
  }

  #hearVote(message: SignedMessage, kind: VoteKind, view: number, valueHash: Uint8Array): void {
    const key = `${kind} ${view} ${toHex(valueHash)}`
    const votes = this.#votes.get(key) ?? new Map<string, SignedMessage>()
    votes.set(message.sender, message)
    this.#votes.set(key, votes)
    const isFull = votes.size === quorum && message.sender !== this.#liar
    if (isFull && leaderOf(this.#setting(this.#liar), view) === this.#liar)
      this.#certify(
        key,
        cohort.filter(() => this.#below(4) > 0)
      )
  }

  #deliver({ to, word }: Letter): void {
    const member = this.#honest.find(({ id }) => id === to)!
    const { state } = member
    const setting = this.#setting(to)
    this.#nowMs++
    if (word.kind === 'vote') {
      this.#carryOut(
        member,
        onVote(state, setting, word.message, word.vote, word.view, word.valueHash, this.#nowMs)
      )
    } else if (word.kind === 'certificate') {
      const { certificate, decision } = word
      this.#carryOut(
        member,
        this.#rules.onCertificate(state, setting, certificate, decision, this.#nowMs) ?? []
      )
    } else if (word.kind === 'new-view') {
      this.#carryOut(member, onNewView(state, setting, word.message, word.newView, this.#nowMs))
    } else {
      const { proposal, from, newViews } = word
      if (state.decided !== null || proposal.view < state.view) return
      const grounds = this.#rules.justified(setting, proposal, from, newViews)
      if (grounds === null) return
      const isAbort = toHex(proposal.decision) === toHex(ABORT)
      const judgement = isAbort && !grounds.abortable ? 'invalid' : 'valid'
      const message = sign(from, 'proposal', proposal.decision)
      this.#carryOut(
        member,
        this.#rules.onProposal(state, setting, message, proposal, grounds, judgement, this.#nowMs)
      )
    }
  }

  #timeOut(member: Member): void {
    const { state } = member
    if (state.decided !== null) return
    const atMs = state.assist?.atMs ?? state.deadlineMs
    this.#nowMs = Math.max(this.#nowMs, atMs)
    this.#carryOut(member, onTick(state, this.#setting(member.id), atMs))
  }

  /** Memory is gone; the journal is not. */
  #restart(member: Member): void {
    this.#restarts++
    member.state = newAgreement()
    const attempt = { released: false, agreements: { [subject]: member.state } } as unknown as AttemptState
    restoreAgreements(attempt, this.#rules.restored(member.journal))
    openAgreement(member.state, this.#setting(member.id), this.#nowMs)
  }

  #propose({ id, state }: Member): void {
    const setting = this.#setting(id)
    const may = this.#rules.proposable(state, setting)
    if (may === 'wait') return
    const { view } = state
    const abort = 'free' in may && may.abortable && this.#below(2) === 0
    const decision = 'repeat' in may ? may.repeat : abort ? ABORT : Uint8Array.of(cohort.indexOf(id), view)
    state.proposed.add(view)
    const held = [...(state.newViews.get(view) ?? [])]
    const newViews = held.map(([sender]) => ({ sender, newView: this.#newViews.get(view)!.get(sender)! }))
    const proposal = { subject, view, decision, newViews: [] }
    this.#post(cohort, { kind: 'proposal', from: id, proposal, newViews })
  }

  #carryOut(member: Member, outputs: readonly AgreementOutput[]): void {
    const { id, state } = member
    const setting = this.#setting(id)
    for (const output of outputs) {
      if (output.type === 'certificate') {
        const { certificate, decision } = output
        this.#post(cohort, { kind: 'certificate', certificate, decision })
      } else if (output.type === 'vote') this.#vote(member, output)
      else if (output.type === 'new-view') {
        const { view } = output
        member.journal.push({ round: 0, attempt: 0, kind: 'new-view', subject, view })
        const to = voteRecipients(setting, view)
        if (state.lock !== null) this.#post(to, { kind: 'certificate', ...state.lock })
        const prepared = this.#rules.reported(state)
        const newView: NewView = { subject, view, ...(prepared === undefined ? {} : { prepared }) } as NewView
        this.#post(to, { kind: 'new-view', message: sign(id, 'new-view', new Uint8Array()), newView })
      } else {
        const value = toHex(state.decided!.certificate.valueHash)
        this.#committed.set(`${id} ${value}`, value)
      }
    }
  }

  #vote(member: Member, { kind, view, valueHash }: AgreementOutput & { type: 'vote' }): void {
    const { id, state } = member
    const key = `${id} ${kind} ${view}`
    const value = toHex(valueHash)
    if ((this.#said.get(key) ?? value) !== value) this.#contradictions.push(key)
    this.#said.set(key, value)
    const { lock } = state
    member.journal.push({
      ...{ round: 0, attempt: 0, kind: 'vote', subject, vote: kind, view, valueHash },
      ...(kind === 'commit' && lock !== null
        ? { lock: { certificate: Certificate.encode(lock.certificate), decision: lock.decision } }
        : {})
    } as JournalEntry)
    const message = sign(id, kind, votePayload(subject, view, valueHash))
    this.#post(voteRecipients(this.#setting(id), view), {
      kind: 'vote',
      message,
      vote: kind,
      view,
      valueHash
    })
  }

  /** One thing that may help two values to be committed. */
  #lie(): void {
    const { view } = this.#pick(this.#honest)!.state
    const some = cohort.filter(id => id !== this.#liar && this.#below(2) === 0)
    const what = this.#below(4)
    if (what < 2) this.#lieInProposal(view + this.#below(3), some)
    else if (what === 2) this.#lieInCertificate(some)
    else {
      // Locked on something old, though it has seen newer.
      const known = this.#certificates.map(({ certificate }) => certificate)
      const prepared = this.#pick(known.filter(({ kind, view: of }) => kind === 'prepare' && of < view))
      if (prepared === null) return
      const message = sign(this.#liar, 'new-view', new Uint8Array())
      this.#post(some, { kind: 'new-view', message, newView: { subject, view, prepared } })
    }
  }

  #lieInProposal(view: number, to: readonly string[]): void {
    if (leaderOf(this.#setting(this.#liar), view) !== this.#liar) return
    const values = [...this.#values.values(), ABORT, Uint8Array.of(9, this.#below(2))]
    const proposal = { subject, view, decision: this.#pick(values)!, newViews: [] }
    const heard = [...(this.#newViews.get(view) ?? [])].map(([sender, newView]) => ({ sender, newView }))
    // Of the new-views those that suit: without the ones that would bind it.
    const newViews =
      view === 0 ? [] : heard.filter(({ newView }) => newView.prepared === undefined || this.#below(2) === 0)
    const own = { sender: this.#liar, newView: { subject, view } as NewView }
    const others = newViews.filter(({ sender }) => sender !== this.#liar)
    this.#post(to, {
      kind: 'proposal',
      from: this.#liar,
      proposal,
      newViews: view === 0 ? [] : [...others, own]
    })
  }

  /** A certificate from votes that it overheard, shown to a few only. */
  #lieInCertificate(to: readonly string[]): void {
    const key = this.#pick([...this.#votes].filter(([, votes]) => votes.size >= quorum).map(([key]) => key))
    if (key !== null) this.#certify(key, to)
  }

  #certify(key: string, to: readonly string[]): void {
    const [kind, view, hash] = key.split(' ') as [VoteKind, string, string]
    const decision = this.#values.get(hash)
    if (decision === undefined) return
    const signatures = [...this.#votes.get(key)!.values()]
      .map(({ sender, signature }) => ({ index: cohort.indexOf(sender), signature }))
      .sort((a, b) => a.index - b.index)
    const certificate = { kind, subject, view: Number(view), valueHash: sha256(decision), signatures }
    this.#post(to, { kind: 'certificate', certificate, decision })
  }
}
