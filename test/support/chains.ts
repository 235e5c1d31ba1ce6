/** A run with members whose keys a test holds, and links that they really sign. */
import { type AdapterLayout, layoutOf } from '../../aggregation/adapter-layout.ts'
import type { CryptoSuite, Signer } from '../../aggregation/crypto-suite.ts'
import { createRunContext } from '../../node/peer/round-encoding.ts'
import { ed25519Signer, seededCrypto } from '../../node/platform/node-crypto.ts'
import { votePayload } from '../../protocols/certificate.ts'
import {
  contextOfLink,
  contextOfRound,
  contextOfTip,
  extendChain,
  foundChain
} from '../../protocols/chain.ts'
import { cohortAt } from '../../protocols/chain-cohorts.ts'
import type { ChainTip, LinkKind, RunContext } from '../../protocols/chain-tip.ts'
import { type SignedMessage, sealMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import {
  CertifiedLink,
  Decision,
  Envelope,
  Founding,
  type LinkBody,
  type Redemption,
  Registration,
  StandDown
} from '../../protocols/messages.js'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { quorumOf } from '../../protocols/quorum.ts'
import { parseManifest, type RunManifest } from '../../protocols/run-manifest.ts'
import { type SignedManifest, signManifest } from '../../protocols/signed-manifest.ts'
import { accountAfter } from '../../protocols/tip-after.ts'

export interface TestMember {
  readonly id: string
  readonly signer: Signer
  /** What it shows to be let in, in a run by invitation. */
  readonly redemption?: Redemption
}

export interface TestRun {
  /** Sorted by id. */
  readonly members: readonly TestMember[]
  readonly author: TestMember
  readonly crypto: CryptoSuite
  readonly manifest: RunManifest
  readonly signed: SignedManifest
  readonly layout: AdapterLayout
  readonly initialAdapter: Float32Array
  readonly run: RunContext
  readonly founding: Uint8Array
  readonly tip: ChainTip
}

/** A member whose key is made from a number. */
/** Of an Ed25519 key (RFC 8032). */
export function memberSeed(number: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (i < 4 ? number >>> (8 * i) : 77))
}

export function testMember(number: number): TestMember {
  const signer = ed25519Signer(memberSeed(number))
  return { id: peerIdOf(signer.publicKey), signer }
}

/** Two modules of 100 weights each in both factors: d = 200, half of it per round under `rolora`. */
export const testLayout = layoutOf([
  { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', factor: 'A', shape: [2, 25] },
  { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', factor: 'B', shape: [25, 2] },
  { name: 'base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight', factor: 'A', shape: [2, 25] },
  { name: 'base_model.model.model.layers.0.self_attn.v_proj.lora_B.weight', factor: 'B', shape: [25, 2] }
])

export function testInitialAdapter(layout: AdapterLayout): Float32Array {
  const adapter = new Float32Array(layout.length)
  for (const { factor, offset, length } of layout.tensors) {
    if (factor === 'A') for (let i = 0; i < length; i++) adapter[offset + i] = Math.fround(((i % 7) - 3) / 8)
  }
  return adapter
}

/** A run of machines under virtual time need not wait as long as people do. */
export const testDeadlines = {
  keysMs: 2_000,
  trainingMs: 5_000,
  inputsMs: 2_000,
  unmaskingMs: 2_000,
  viewMs: 1_000
}

/** @param overrides - parts of the manifest, as a person would write them */
export function testRun(
  count: number,
  overrides: Record<string, unknown> = {},
  layout: AdapterLayout = testLayout
): TestRun {
  const crypto = seededCrypto(Uint8Array.of(count))
  const numbered = Array.from({ length: count }, (_, i) => testMember(i + 1))
  const author = numbered[0]!
  const members = numbered.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const manifest = parseManifest({
    name: 'a test run',
    author: author.id,
    model: { sha256: 'ab'.repeat(32) },
    cohort: { founders: count },
    ...overrides,
    secureSum: { verifiers: 'everyone', ...(overrides['secureSum'] as object | undefined) }
  })
  const initialAdapter = testInitialAdapter(layout)
  const run = createRunContext(manifest, manifest.model.sha256, layout, initialAdapter, crypto)
  const context = contextOfTip(null, run)
  const registrations = members.map(({ signer }, i) => {
    const payload = Registration.encode({ nonce: crypto.sha256(Uint8Array.of(i)), afterLink: ZERO_HASH })
    return Envelope.decode(sealMessage('registration', context, payload, signer, crypto).bytes)
  })
  const founding = sealMessage(
    'founding',
    context,
    Founding.encode({ registrations }),
    author.signer,
    crypto
  ).bytes
  return {
    members,
    author,
    crypto,
    manifest,
    signed: signManifest(manifest, author.signer),
    layout,
    initialAdapter,
    run,
    founding,
    tip: foundChain(founding, run, crypto)
  }
}

/** The body of a link after `tip`, as an honest cohort would make it. */
export function linkAfter(
  { run, crypto }: TestRun,
  tip: ChainTip,
  kind: LinkKind,
  stateHash: Uint8Array = tip.stateHash
): LinkBody {
  const cohort = cohortAt(tip, run, crypto)
  const ofResult = kind === 'result'
  return {
    height: tip.height + 1,
    kind,
    run: run.id,
    previous: tip.linkHash,
    round: tip.round,
    attempt: tip.attempt,
    cohort,
    rosterHash: crypto.sha256(tip.linkHash),
    encodingHash: run.encodingHashOf(cohort.length, tip.completedRounds),
    survivors:
      kind === 'result' || kind === 'lost'
        ? cohort.map(peer => ({ peer, address: crypto.sha256(tip.linkHash, tip.beacon) }))
        : [],
    members: [...tip.members],
    stateHash,
    beacon: ofResult ? crypto.sha256(tip.beacon) : new Uint8Array(),
    completedRounds: tip.completedRounds + (ofResult ? 1 : 0),
    weightSum: ofResult ? cohort.length : 0,
    meanLoss: ofResult ? 2.5 : 0,
    epsilonSpent: accountAfter(tip, kind, run)?.epsilon ?? 0,
    expulsions: [],
    reason: kind === 'abort' ? 'too-few-inputs' : kind === 'lost' ? 'not-opened' : '',
    children: [],
    admissions: [],
    orders: []
  }
}

export interface Certifying {
  /** A quorum of the cohort by default. */
  readonly signers?: readonly string[]
  readonly subject?: string
  readonly view?: number
  /** What the signers sign; `certificate.kind` says `commit` all the same. */
  readonly vote?: 'prepare' | 'commit'
}

/** A link with the votes of members who sign whatever they are given. */
export function certify({ run, crypto, members }: TestRun, link: LinkBody, how: Certifying = {}): Uint8Array {
  const decision = Decision.encode({ link })
  const valueHash = crypto.sha256(decision)
  const subject = how.subject ?? (link.kind === 'abort' ? 'survivors' : 'result')
  const view = how.view ?? 0
  const payload = votePayload(subject, view, valueHash)
  const signers = how.signers ?? link.cohort.slice(0, quorumOf(link.cohort.length))
  const signatures = signers.map(peer => {
    const { signer } = members.find(member => member.id === peer)!
    const { signature } = sealMessage(how.vote ?? 'commit', contextOfLink(link, run), payload, signer, crypto)
    return { index: link.cohort.indexOf(peer), signature }
  })
  return CertifiedLink.encode({
    decision,
    certificate: { kind: 'commit', subject, view, valueHash, signatures }
  })
}

/** A link after `tip` that a quorum of the cohort has signed. */
export function certifyLink(
  test: TestRun,
  tip: ChainTip,
  kind: Exclude<LinkKind, 'reconfiguration'>,
  stateHash: Uint8Array = tip.stateHash
): { readonly bytes: Uint8Array; readonly tip: ChainTip } {
  const bytes = certify(test, linkAfter(test, tip, kind, stateHash))
  return { bytes, tip: extendChain(tip, bytes, test.run, test.crypto).tip }
}

/** What members say that stand down in the attempt that a tip leads to. @param locked - hash of a decision on a link */
export function standDownsAt(
  { run, crypto, members }: TestRun,
  tip: ChainTip,
  count: number,
  locked: Uint8Array = new Uint8Array()
): SignedMessage[] {
  const context = contextOfRound(tip, run, tip.members.length)
  return members
    .slice(0, count)
    .map(({ signer }) => sealMessage('stand-down', context, StandDown.encode({ locked }), signer, crypto))
}
