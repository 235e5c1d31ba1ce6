/** What must hold of everything that a cluster said and did, whoever died and whatever was lost. */
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import { addLanes, type Lanes } from '../../aggregation/ring.ts'
import { linkHashOf } from '../../protocols/chain.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import {
  CertifiedDecision,
  CertifiedLink,
  Decision,
  NewView,
  ShareKeys,
  type SurvivorsDecision,
  UnmaskBundle,
  Vote
} from '../../protocols/messages.js'
import type { RoundCluster } from './round-cluster.ts'

/**
 * Every way in which a member contradicted itself or the chain forked, one line each.
 * @param honest - whose words are judged; everyone's by default
 */
export function contradictions(
  cluster: RoundCluster,
  honest: readonly string[] = [...cluster.peers.keys()]
): string[] {
  const said = cluster.wire.filter(({ sender }) => honest.includes(sender))
  return [
    ...voteFaults(said),
    ...releaseFaults(cluster, said, honest),
    ...decisionFaults(cluster, honest),
    ...forks(cluster)
  ]
}

function voteFaults(said: readonly SignedMessage[]): string[] {
  const first = new Map<string, string>()
  const found: string[] = []
  for (const { type, sender, context, payload } of said) {
    if (type !== 'prepare' && type !== 'commit' && type !== 'new-view') continue
    const { round, attempt } = context
    const { subject, view } = type === 'new-view' ? NewView.decode(payload) : Vote.decode(payload)
    const key = `${sender} said ${type} ${round}.${attempt} ${toHex(context.rosterHash)} ${subject} view ${view}`
    const value = toHex(payload)
    if (first.get(key) !== undefined && first.get(key) !== value) found.push(`${key} for two values`)
    first.set(key, value)
  }
  return found
}

/** One release per attempt, and never both kinds of share for one honest dealer. */
function releaseFaults(
  cluster: RoundCluster,
  said: readonly SignedMessage[],
  honest: readonly string[]
): string[] {
  const released = new Map<string, string>()
  const kinds = new Map<string, 'seed' | 'key'>()
  const found: string[] = []
  const owners = shareOwners(cluster, honest)
  for (const { type, sender, context, payload } of said) {
    if (type !== 'unmask-bundle') continue
    const key = `${sender} in ${context.round}.${context.attempt}`
    const value = toHex(payload)
    if (released.get(key) !== undefined && released.get(key) !== value) found.push(`${key} released twice`)
    released.set(key, value)
    const { seedShares, keyShares } = UnmaskBundle.decode(payload)
    for (const share of [...seedShares, ...keyShares]) {
      const owner = owners(share)
      if (owner === null) continue
      const other = kinds.get(`${key} of ${owner.dealer}`)
      if (other !== undefined && other !== owner.kind) found.push(`${key} released both of ${owner.dealer}`)
      kinds.set(`${key} of ${owner.dealer}`, owner.kind)
    }
  }
  return found
}

/** Whose share of what some bytes are, by the hashes that the dealers published. */
function shareOwners(
  cluster: RoundCluster,
  honest: readonly string[]
): (share: Uint8Array) => { dealer: string; kind: 'seed' | 'key' } | null {
  const committed = new Map<string, { dealer: string; kind: 'seed' | 'key'; index: number }>()
  for (const { type, sender, payload } of cluster.wire) {
    if (type !== 'share-keys' || !honest.includes(sender)) continue
    ShareKeys.decode(payload).shares.forEach(({ seedShareHash, keyShareHash }, index) => {
      committed.set(toHex(seedShareHash), { dealer: sender, kind: 'seed', index })
      committed.set(toHex(keyShareHash), { dealer: sender, kind: 'key', index })
    })
  }
  const dealers = [...new Set([...committed.values()].map(({ dealer }) => dealer))]
  const indices = [...new Set([...committed.values()].map(({ index }) => index))]
  return share => {
    for (const kind of ['seed', 'key'] as const)
      for (const dealer of dealers)
        for (const index of indices) {
          const bytes = lengthPrefixed('share-hash', kind, dealer, index + 1, share)
          if (committed.has(toHex(cluster.crypto.sha256(bytes)))) return { dealer, kind }
        }
    return null
  }
}

function decisionFaults(cluster: RoundCluster, honest: readonly string[]): string[] {
  const first = new Map<string, string>()
  const found: string[] = []
  for (const { context, certificate } of decisionsOn(cluster, honest)) {
    const key = `${certificate.subject} of ${context.round}.${context.attempt}`
    const value = toHex(certificate.valueHash)
    if (first.get(key) !== undefined && first.get(key) !== value) found.push(`two values decided: ${key}`)
    first.set(key, value)
  }
  return found
}

function forks(cluster: RoundCluster): string[] {
  const first = new Map<number, string>()
  const found: string[] = []
  for (const { id, links } of cluster.peers.values()) {
    links.forEach((link, height) => {
      const hash = toHex(linkHashOf(CertifiedLink.decode(link).decision, cluster.crypto))
      if (first.get(height) !== undefined && first.get(height) !== hash)
        found.push(`${id} has another link ${height + 1}`)
      first.set(height, hash)
    })
  }
  return found
}

/** Commit certificates that honest members passed on, with their decisions. */
export function decisionsOn(cluster: RoundCluster, honest: readonly string[] = [...cluster.peers.keys()]) {
  return cluster.wire
    .filter(({ type, sender }) => type === 'certificate' && honest.includes(sender))
    .map(({ context, payload }) => ({ context, ...CertifiedDecision.decode(payload) }))
    .filter(({ certificate }) => certificate?.kind === 'commit')
    .map(({ context, certificate, decision }) => ({
      context,
      certificate: certificate!,
      decision: Decision.decode(decision)
    }))
}

/** The survivor set that was committed in an attempt, or null if there was none. */
export function committedSurvivors(
  cluster: RoundCluster,
  round: number,
  attempt: number,
  honest?: readonly string[]
): SurvivorsDecision | null {
  const decided = decisionsOn(cluster, honest).find(
    ({ context, certificate }) =>
      context.round === round && context.attempt === attempt && certificate.subject === 'survivors'
  )
  return decided?.decision.survivors ?? null
}

/** Adds up what the survivors of an attempt put in, before any mask. */
export function plainSum(
  cluster: RoundCluster,
  round: number,
  attempt: number,
  peers: readonly string[]
): Lanes {
  const inputs = peers.map(id => cluster.peer(id).inputs.get(`${round}.${attempt}`)!)
  const sum = inputs[0]!.slice()
  for (const input of inputs.slice(1)) addLanes(sum, input)
  return sum
}

/** Kinds of the links of the longest chain: `['result', 'abort', …]`. */
export function linkKinds(cluster: RoundCluster): string[] {
  return longestChain(cluster).map(({ kind }) => kind)
}

export function longestChain(cluster: RoundCluster) {
  return [...cluster.peers.values()]
    .map(({ linkBodies }) => linkBodies)
    .reduce((a, b) => (b.length > a.length ? b : a))
}

/** The state hashes of everyone who lives, each once. */
export function stateHashes(cluster: RoundCluster): string[] {
  return [...new Set(cluster.alive.map(({ stateHash }) => stateHash))]
}
