/** AdvertiseKeys: fresh keys for one attempt, and the agreement on whose keys count. secure sum, message 1. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { checkLength, decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { byId } from '../../protocols/election.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { AdvertiseKeys, Context, Decision, Envelope, type RosterDecision } from '../../protocols/messages.js'
import type { Judgement } from './agreement.ts'
import { isBlamed, watch } from './blame.ts'
import { type AttemptState, type Draft, isAbsent, type RosterEntry, type Secrets } from './round-state.ts'
import { askFor, gossip, refuse, remember, seal } from './speak.ts'
import { placeInJournal } from './voting-journal.ts'

const KEY_BYTES = 32

/** Makes this attempt's keys and offers the public ones, once. */
export function advertiseKeys(draft: Draft, attempt: AttemptState): void {
  if (attempt.participation !== 'full' || attempt.secrets !== null || attempt.roster !== null) return
  const { crypto } = draft.deps
  const secrets: Secrets = {
    maskSecret: crypto.randomBytes(KEY_BYTES),
    encryptionSecret: crypto.randomBytes(KEY_BYTES),
    selfSeed: crypto.randomBytes(KEY_BYTES)
  }
  attempt.secrets = secrets
  const { round, attempt: number } = attempt
  // Before anyone hears of them: after a restart these keys are lost, and others must never take their place.
  draft.effects.push({
    type: 'journal',
    entry: { round, attempt: number, kind: 'advertise', ...placeInJournal(attempt.context) }
  })
  const payload = AdvertiseKeys.encode({
    maskKey: crypto.x25519PublicKey(secrets.maskSecret),
    encryptionKey: crypto.x25519PublicKey(secrets.encryptionSecret),
    selfSeedHash: crypto.sha256(secrets.selfSeed)
  })
  gossip(draft, seal(draft, 'advertise-keys', attempt.context, payload))
}

/** A cohort of a larger network is new in every round: who begins first may speak before the others listen. */
const ASK_MS = 500

/** Asks those who have not been heard yet what they have said. In a run of one cohort everyone listens all the time. */
export function askForKeys(draft: Draft, attempt: AttemptState): void {
  if (attempt.place === null || attempt.roster !== null || draft.nowMs < attempt.askAtMs) return
  attempt.askAtMs = draft.nowMs + ASK_MS
  const missing = attempt.cohort.filter(peer => !attempt.advertised.has(peer) && !isAbsent(draft, peer))
  if (missing.some(peer => peer !== draft.deps.self)) askFor(draft, attempt, missing)
}

export function onAdvertiseKeys(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  if (!attempt.cohort.includes(message.sender)) return refuse(draft, message, 'not in the cohort')
  const first = attempt.advertised.get(message.sender)
  if (first !== undefined) {
    if (!equalBytes(first.hash, message.hash)) refuse(draft, message, 'it has advertised other keys before')
    return
  }
  const entry = entryOf(message, draft.deps.crypto)
  if (entry === null) return refuse(draft, message, 'bad keys')
  // Whoever copies keys has to hear them first: the one that came first keeps them.
  const keys = keysOf(entry)
  const copied = [...attempt.advertised.values()].find(({ payload }) =>
    keysOf(AdvertiseKeys.decode(payload)).some(key => keys.includes(key))
  )
  if (copied !== undefined) return refuse(draft, message, `keys of ${copied.sender}`)
  attempt.advertised.set(message.sender, message)
  remember(attempt, message)
}

/** What the leader proposes, or null while it is worth waiting. */
export function proposeRoster(draft: Draft, attempt: AttemptState, proposer: number): Uint8Array | null {
  const complete = rosterComplete(draft, attempt)
  const offered = [...attempt.advertised.values()].filter(({ sender }) => !isBlamed(draft, sender))
  if (offered.length < attempt.quorum || (!complete && draft.nowMs < attempt.rosterDueMs)) return null
  const advertised = offered
    .sort((a, b) => byId(a.sender, b.sender))
    .map(message => Envelope.decode(message.bytes))
  return Decision.encode({ roster: { proposer, advertised } })
}

/** Everyone who can still be waited for has advertised. */
export function rosterComplete(draft: Draft, attempt: AttemptState): boolean {
  return attempt.cohort.every(
    peer => attempt.advertised.has(peer) || isAbsent(draft, peer) || isBlamed(draft, peer)
  )
}

export function judgeRoster(draft: Draft, attempt: AttemptState, roster: RosterDecision): Judgement {
  const { crypto, self } = draft.deps
  if (roster.proposer >= attempt.cohort.length || roster.advertised.length < attempt.quorum) return 'invalid'
  const seen = new Set<string>()
  let last = ''
  for (const envelope of roster.advertised) {
    const message = openAdvertised(attempt, Envelope.encode(envelope), crypto)
    // Its sender may have told this peer something else.
    if (message !== null) watch(draft, attempt, message)
    const entry = message === null ? null : entryOf(message, crypto)
    if (message === null || entry === null || !attempt.cohort.includes(entry.peer) || entry.peer <= last)
      return 'invalid'
    last = entry.peer
    for (const key of keysOf(entry)) {
      if (seen.has(key)) return 'invalid'
      seen.add(key)
    }
    // This peer's own key misreported would let someone else open what is meant for it.
    const own = attempt.advertised.get(self)
    if (entry.peer === self && (own === undefined || !equalBytes(own.hash, message.hash))) return 'invalid'
  }
  return 'valid'
}

/** Takes the decided roster: from here on every message is bound to its hash. */
export function adoptRoster(
  draft: Draft,
  attempt: AttemptState,
  decision: Uint8Array,
  roster: RosterDecision
): void {
  const { crypto } = draft.deps
  attempt.roster = roster.advertised.map(envelope => {
    const message = openAdvertised(attempt, Envelope.encode(envelope), crypto)
    const entry = message === null ? null : entryOf(message, crypto)
    // A quorum has judged it: this cannot be, unless more than f members lie.
    if (entry === null) throw new Error('a certified roster holds an entry that does not open')
    return entry
  })
  attempt.rosterContext = { ...attempt.context, rosterHash: crypto.sha256(decision) }
  attempt.sharesDueMs = draft.nowMs + draft.deps.run.manifest.deadlines.keysMs
}

/** Roster index of a peer, or -1. */
export function rosterIndexOf(attempt: AttemptState, peer: string): number {
  return attempt.roster?.findIndex(entry => entry.peer === peer) ?? -1
}

function openAdvertised(attempt: AttemptState, bytes: Uint8Array, crypto: CryptoSuite): SignedMessage | null {
  const known = attempt.transcript.get(toHex(crypto.sha256(bytes)))
  if (known !== undefined) return known.type === 'advertise-keys' ? known : null
  try {
    const message = openMessage(bytes, crypto)
    const ofAttempt = equalBytes(Context.encode(message.context), Context.encode(attempt.context))
    return message.type === 'advertise-keys' && ofAttempt ? message : null
  } catch {
    return null
  }
}

function entryOf(message: SignedMessage, crypto: CryptoSuite): RosterEntry | null {
  try {
    const { maskKey, encryptionKey, selfSeedHash } = decodeCanonical(AdvertiseKeys, message.payload, 'keys')
    for (const field of [maskKey, encryptionKey, selfSeedHash]) checkLength(field, KEY_BYTES, 'key')
    const publicKeys = [maskKey, encryptionKey]
    if (equalBytes(maskKey, encryptionKey)) return null
    if (!publicKeys.every(isCanonicalPoint) || publicKeys.some(key => isLowOrder(key, crypto))) return null
    return { peer: message.sender, maskKey, encryptionKey, selfSeedHash }
  } catch {
    return null
  }
}

/**
 * True below p = 2^255 - 19. RFC 7748, section 5, has the top bit ignored and the rest taken modulo p: with two ways to
 * write one key, comparing bytes would not see that two are the same. Key generation never gives the other one.
 * @param publicKey - [32], little-endian
 */
function isCanonicalPoint(publicKey: Uint8Array): boolean {
  const top = publicKey[KEY_BYTES - 1]!
  if (top !== 0x7f) return top < 0x7f
  return publicKey[0]! < 0xed || publicKey.subarray(1, KEY_BYTES - 1).some(byte => byte !== 0xff)
}

/** A low-order point gives the all-zero secret with every key (RFC 7748, section 6.1), which x25519 refuses. */
function isLowOrder(publicKey: Uint8Array, crypto: CryptoSuite): boolean {
  try {
    crypto.x25519(new Uint8Array(KEY_BYTES).fill(0x42), publicKey)
    return false
  } catch {
    return true
  }
}

/** What no two members may have in common, as text. */
function keysOf({ maskKey, encryptionKey, selfSeedHash }: AdvertiseKeys): string[] {
  return [maskKey, encryptionKey, selfSeedHash].map(toHex)
}
