/**
 * What somebody can compute who has every message and every masked input of a round, and the secrets of some of its
 * members. Written from the messages alone, without the machine that made them.
 */
import {
  expandInto,
  type MaskContext,
  pairSeed,
  pairSign,
  selfMaskKey,
  shareKey
} from '../../aggregation/mask.ts'
import { type Lanes, lanesOfBytes } from '../../aggregation/ring.ts'
import { recoverSecret, type ShamirShare } from '../../aggregation/shamir.ts'
import { type Secrets, shareAssociatedData } from '../../node/round/round-state.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import {
  AdvertiseKeys,
  CertifiedDecision,
  Context,
  Decision,
  Envelope,
  MaskedInput,
  ShareKeys,
  UnmaskBundle
} from '../../protocols/messages.js'
import { quorumOf } from '../../protocols/quorum.ts'
import type { RoundCluster } from './round-cluster.ts'

type ShareKind = 'seed' | 'key'

interface RosterMember {
  readonly peer: string
  readonly keys: AdvertiseKeys
}

/** Everything of one round's first attempt that went over the wire. */
export class Transcript {
  readonly #cluster: RoundCluster
  readonly #messages: readonly SignedMessage[]
  readonly roster: readonly RosterMember[]
  /** U2. */
  readonly dealers: readonly string[]
  readonly survivors: readonly string[]
  readonly #rosterContext: Context
  readonly #context: MaskContext

  constructor(cluster: RoundCluster, round = 0) {
    this.#cluster = cluster
    this.#messages = cluster.wire.filter(({ context }) => context.round === round && context.attempt === 0)
    const opened = (envelope: Envelope) => openMessage(Envelope.encode(envelope), cluster.crypto)
    const rosterBytes = this.#decided('roster')
    this.roster = Decision.decode(rosterBytes)
      .roster!.advertised.map(opened)
      .map(({ sender, payload }) => ({ peer: sender, keys: AdvertiseKeys.decode(payload) }))
    const shares = Decision.decode(this.#decided('shares')).shares!
    this.dealers = shares.dealers.map(({ index }) => this.roster[index]!.peer)
    this.survivors = Decision.decode(this.#decided('survivors')).survivors!.headers.map(
      envelope => opened(envelope).sender
    )
    this.#rosterContext = this.#messages.find(({ type }) => type === 'share-keys')!.context
    const { ringBits } = cluster.run.manifest.secureSum
    this.#context = {
      rosterHash: cluster.crypto.sha256(rosterBytes),
      run: toHex(cluster.run.run.id),
      round,
      attempt: 0,
      laneCount: this.maskedInputOf(this.dealers.find(peer => this.#headerOf(peer) !== null)!).length,
      ringBits
    }
  }

  #decided(subject: string): Uint8Array {
    for (const { type, payload } of this.#messages) {
      if (type !== 'certificate') continue
      const { certificate, decision } = CertifiedDecision.decode(payload)
      if (certificate?.kind === 'commit' && certificate.subject === subject) return decision
    }
    throw new Error(`nothing was decided on ${subject}`)
  }

  #headerOf(peer: string): MaskedInput | null {
    const message = this.#messages.find(({ type, sender }) => type === 'masked-input' && sender === peer)
    return message === undefined ? null : MaskedInput.decode(message.payload)
  }

  /** y, [lanes]. */
  maskedInputOf(peer: string): Lanes {
    const body = this.#cluster.bodies.get(toHex(this.#headerOf(peer)!.address))!
    return lanesOfBytes(body, this.#cluster.run.manifest.secureSum.ringBits)
  }

  /** Shares that the colluders were sent, and all that was released. */
  #sharesOf(dealer: string, kind: ShareKind, colluders: ReadonlyMap<string, Secrets>): ShamirShare[] {
    const shares = new Map<number, Uint8Array>()
    const dealt = this.#messages.find(({ type, sender }) => type === 'share-keys' && sender === dealer)
    const from = this.#indexOf(dealer)
    for (const [peer, secrets] of colluders) {
      if (peer === dealer || dealt === undefined) continue
      const index = this.#indexOf(peer)
      const { sealed } = ShareKeys.decode(dealt.payload).shares[index]!
      const { crypto } = this.#cluster
      const { rosterHash } = this.#context
      const direction = { fromId: dealer, toId: peer }
      const key = shareKey(
        crypto,
        secrets.encryptionSecret,
        this.roster[from]!.keys.encryptionKey,
        direction,
        rosterHash
      )
      const data = shareAssociatedData(Context.encode(this.#rosterContext), from, index)
      const plain = crypto.gcmOpen(key, new Uint8Array(12), sealed, data)
      shares.set(index + 1, kind === 'seed' ? plain.slice(0, 32) : plain.slice(32))
    }
    const list = this.dealers.filter(peer => this.survivors.includes(peer) === (kind === 'seed'))
    const place = list.indexOf(dealer)
    for (const { type, sender, payload } of this.#messages) {
      if (type !== 'unmask-bundle' || place < 0) continue
      const bundle = UnmaskBundle.decode(payload)
      shares.set(this.#indexOf(sender) + 1, (kind === 'seed' ? bundle.seedShares : bundle.keyShares)[place]!)
    }
    return [...shares].map(([x, y]) => ({ x, y })).filter(({ y }) => y.length === 32)
  }

  #indexOf(peer: string): number {
    return this.roster.findIndex(member => member.peer === peer)
  }

  /** A secret of one member, if it is among the colluders or enough of its shares are known. */
  #secretOf(peer: string, kind: ShareKind, colluders: ReadonlyMap<string, Secrets>): Uint8Array | null {
    const own = colluders.get(peer)
    if (own !== undefined) return kind === 'seed' ? own.selfSeed : own.maskSecret
    const threshold = quorumOf(this.#cluster.run.members.length)
    const shares = this.#sharesOf(peer, kind, colluders)
    return shares.length < threshold ? null : recoverSecret(shares, threshold)
  }

  /**
   * A victim's masked input without every mask that can be derived.
   * @param publicSeed - for a broken build: the key of a pair's mask that anybody can compute
   */
  residualOf(
    victim: string,
    colluders: ReadonlyMap<string, Secrets>,
    publicSeed?: (a: string, b: string) => Uint8Array
  ): { readonly residual: Lanes; readonly derived: readonly string[] } {
    const { crypto } = this.#cluster
    const context = this.#context
    const residual = this.maskedInputOf(victim).slice()
    const derived: string[] = []
    const seed = this.#secretOf(victim, 'seed', colluders)
    if (seed !== null) {
      derived.push('self')
      expandInto(residual, selfMaskKey(crypto, seed, victim, context), -1, crypto)
    }
    const ownKey = this.#secretOf(victim, 'key', colluders)
    for (const other of this.dealers.filter(peer => peer !== victim)) {
      const secret = ownKey ?? this.#secretOf(other, 'key', colluders)
      const theirs = this.roster[this.#indexOf(ownKey === null ? victim : other)]!.keys.maskKey
      const key =
        publicSeed?.(victim, other) ??
        (secret === null ? null : pairSeed(crypto, secret, theirs, [victim, other], context))
      if (key === null) continue
      derived.push(other)
      expandInto(residual, key, pairSign(victim, other) === 1 ? -1 : 1, crypto)
    }
    return { residual, derived }
  }

  /** Every byte that travelled: messages as signed, and bodies. */
  bytes(): Uint8Array[] {
    return [...this.#cluster.wire.map(({ bytes }) => bytes), ...this.#cluster.bodies.values()]
  }
}
