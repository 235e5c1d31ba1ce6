/** One attempt of n members, up to the point where some drop out; then the sum of those who are left, measured. */

import { layoutOf } from '../../../aggregation/adapter-layout.ts'
import { addressOf, chunkHashes } from '../../../aggregation/blob-address.ts'
import type { CryptoSuite } from '../../../aggregation/crypto-suite.ts'
import { decodeSum, type RoundEncoding } from '../../../aggregation/encoding.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import { type Lanes, lanesOfBytes, type RingBits } from '../../../aggregation/ring.ts'
import { type MaskedSum, maskingOf, unmaskingOf } from '../../../aggregation/secure-sum.ts'
import { encodeTraining } from '../../../node/peer/local-training.ts'
import { roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import { MaskThreads } from '../../../node/platform/mask-threads.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import type { SurvivorEntry } from '../../../node/round/round-state.ts'
import type { SignedMessage } from '../../../protocols/envelope.ts'
import { Decision, Envelope } from '../../../protocols/messages.js'
import { testRun } from '../../../test/support/chains.ts'
import { cpuMs, fastest, median } from './cpu.ts'
import { expansionsOf } from './expansions.ts'
import { BenchMember, rosterDecision, sharesDecision } from './member.ts'
import { deltaOf, normalisedSquaredError } from './vectors.ts'

export interface SumResult {
  readonly n: number
  /** Fraction that drops out after it has masked its input. */
  readonly dropped: number
  readonly d: number
  readonly laneBits: RingBits
  /** One peer: keys, shares, encoding, masking, and the signatures of what it hears until then. */
  readonly peerCpuMs: number
  /** Whoever adds up: bundles, bodies' hashes, secrets recovered, masks taken off, sum decoded. */
  readonly aggregatorCpuMs: number
  /** Of the aggregator, with the addition of the bodies. */
  readonly nsPerElementExpansion: number
  readonly uploadBytesPerCoordinate: number
  readonly nmse: number
  /** Said by one peer, each message once. */
  readonly bytesPerPeer: {
    readonly keys: number
    readonly shares: number
    readonly maskedInput: number
    readonly header: number
    readonly agreement: number
    readonly unmasking: number
  }
}

export interface RoundSettings {
  readonly n: number
  readonly d: number
  readonly laneBits: RingBits
  /** In ascending order. */
  readonly dropped: readonly number[]
  /** Of which the fastest counts. */
  readonly repeats: number
  say(line: string): void
}

/** Members of which the steps before masking are timed. */
const TIMED_MEMBERS = 3

/** Adds and masks as a peer does: on a thread of its own. One, so that two do not get in each other's way. */
type SumUp = (job: MaskedSum) => Promise<Uint8Array>

export async function measureRound(settings: RoundSettings): Promise<SumResult[]> {
  const threads = new MaskThreads({ threads: 1, smallestBytes: 0 })
  const signal = new AbortController().signal
  try {
    return await measureWith(settings, async job => (await threads.sum(job, signal))!)
  } finally {
    await threads.close()
  }
}

async function measureWith(settings: RoundSettings, sumUp: SumUp): Promise<SumResult[]> {
  const { n, d, laneBits, say } = settings
  const crypto = nodeCrypto()
  const tensor = (factor: 'A' | 'B', rows: number) => {
    const name = `base_model.model.model.layers.0.self_attn.q_proj.lora_${factor}.weight`
    return { name, factor, shape: [rows, 1] as const }
  }
  const layout = layoutOf([tensor('A', 1), tensor('B', d)])
  const secureSum = { ringBits: laneBits, clipNorm: 1, maxWeight: 1 }
  const cohort = { founders: n, size: n }
  const run = testRun(n, { strategy: 'ffa', cohort, secureSum }, layout)
  const members = run.members.map(member => new BenchMember(member, run, crypto))
  const encoding = roundEncodingOf(run.run, layout, n, 0)

  say(`n = ${n}: keys and shares`)
  const { ms: sharingMs, bytes } = await shareSecrets(members)
  say(`n = ${n}: ${n} inputs encoded`)
  const sums = new DroppedSums(settings)
  const encodingMs: number[] = []
  const inputs: Lanes[] = []
  for (const peer of members.keys()) {
    const delta = deltaOf(peer, d)
    const adapter = new Float32Array(layout.length)
    for (const { factor, offset } of layout.tensors) if (factor === 'B') adapter.set(delta, offset)
    sums.add(peer, Float32Array.from(delta))
    const before = new Float32Array(layout.length)
    const trained = { adapter, meanLoss: 2 }
    const { ms, value } = await cpuMs(() =>
      encodeTraining(encoding, layout, ['B'], before, trained, 1, 1, seededRandom(peer))
    )
    encodingMs.push(ms)
    inputs.push(value.input)
  }
  say(`n = ${n}: ${n} inputs masked with ${n} key streams each`)
  // The first job starts the thread.
  await sumUp({ ringBits: laneBits, bodies: [new Uint8Array(80)], masks: [] })
  const maskingMs: number[] = []
  const bodies: Uint8Array[] = []
  for (const [peer, member] of members.entries()) {
    const { ms, value } = await cpuMs(() => {
      const { selfKey, pairMasks } = member.maskKeys()
      return sumUp(maskingOf(inputs[peer]!, selfKey, pairMasks))
    })
    maskingMs.push(ms)
    bodies.push(value)
  }
  const addresses = bodies.map(body => addressOf(chunkHashes(body, crypto), crypto))
  const headers = announce(members, addresses, bodies)
  const [first] = members
  const inventory = first!.inventory()
  const peerCpuMs = sharingMs + median(encodingMs) + median(maskingMs)
  const results: SumResult[] = []
  for (const dropped of settings.dropped) {
    const survivors = members.slice(0, n - Math.floor(dropped * n))
    say(`n = ${n}: the sum of ${survivors.length}`)
    const opening = { members, survivors, bodies, addresses, inventory, headers, encoding, crypto }
    const opened = await openSum(opening, settings, sumUp)
    const { weightedSum, weightSum } = opened.decoded
    results.push({
      n,
      dropped,
      d,
      laneBits,
      peerCpuMs,
      aggregatorCpuMs: opened.aggregatorMs,
      nsPerElementExpansion: (opened.maskingMs * 1e6) / (d * expansionsOf(n, dropped)),
      uploadBytesPerCoordinate: bodies[0]!.length / d,
      nmse: normalisedSquaredError(
        weightedSum.map(x => x / weightSum),
        sums.meanOf(survivors.length)
      ),
      bytesPerPeer: {
        ...bytes,
        maskedInput: bodies[0]!.length,
        header: headers[0]!.bytes.length,
        agreement: first!.voteBytes() + inventory.bytes.length + bytes.agreement,
        unmasking: opened.bundleBytes
      }
    })
  }
  return results
}

/** Steps 1 and 2 of everyone, timed for some. */
async function shareSecrets(members: readonly BenchMember[]) {
  const times = members.map(() => 0)
  const ofAll = async <T>(work: (member: BenchMember, peer: number) => T): Promise<T[]> => {
    const made: T[] = []
    for (const [peer, member] of members.entries()) {
      const { ms, value } = await cpuMs(() => work(member, peer))
      times[peer]! += ms
      made.push(value)
    }
    return made
  }
  const advertised = await ofAll(member => member.advertise())
  const roster = rosterDecision(advertised)
  await ofAll(member => member.takeRoster(roster))
  const dealt = await ofAll(member => member.deal())
  await ofAll((member, peer) => {
    // Signatures are checked by those who are timed: the others' would take minutes and prove nothing.
    for (const message of dealt)
      member.takeShares(peer < TIMED_MEMBERS ? member.hear(message.bytes) : message)
  })
  const acknowledgement = members[0]!.acknowledge()
  const decision = sharesDecision(dealt)
  for (const member of members) member.takeDealers(decision)
  for (const member of members.slice(1)) member.forgetCommitments()
  const bytes = {
    keys: advertised[0]!.bytes.length,
    shares: dealt[0]!.bytes.length,
    agreement: acknowledgement.bytes.length
  }
  return { ms: median(times.slice(0, TIMED_MEMBERS)), bytes }
}

function announce(
  members: readonly BenchMember[],
  addresses: readonly Uint8Array[],
  bodies: readonly Uint8Array[]
): SignedMessage[] {
  const headers = members.map((member, peer) => member.announce(addresses[peer]!, bodies[peer]!.length))
  headers.forEach((header, peer) => {
    if (peer > 0) members[0]!.takeInput(header, addresses[peer]!)
  })
  return headers
}

interface Opening {
  readonly members: readonly BenchMember[]
  readonly survivors: readonly BenchMember[]
  readonly bodies: readonly Uint8Array[]
  readonly addresses: readonly Uint8Array[]
  readonly inventory: SignedMessage
  readonly headers: readonly SignedMessage[]
  readonly encoding: RoundEncoding
  readonly crypto: CryptoSuite
}

/** Steps 5 and 6 by the first member, with the bundles of the survivors. */
async function openSum(opening: Opening, { d, repeats }: RoundSettings, sumUp: SumUp) {
  const { members, survivors, bodies, addresses, inventory, headers, encoding, crypto } = opening
  const entries: SurvivorEntry[] = survivors.map(({ id }, peer) => ({
    peer: id,
    address: addresses[peer]!,
    lengthBytes: bodies[peer]!.length,
    holders: [id]
  }))
  const decision = Decision.encode({
    survivors: {
      proposer: 0,
      inventories: [Envelope.decode(inventory.bytes)],
      headers: headers.slice(0, survivors.length).map(({ bytes }) => Envelope.decode(bytes)),
      nextMembers: survivors.map(({ id }) => id),
      registrations: [],
      expulsions: [],
      orders: []
    }
  })
  for (const member of survivors) member.takeSurvivors(decision, entries)
  const bundles = survivors.map(member => member.release())
  const aggregator = survivors[0]!
  const kept = bodies.slice(0, survivors.length)
  const recovery = await fastest(repeats, () => {
    aggregator.takeSurvivors(decision, entries)
    for (const { bytes } of bundles) aggregator.takeBundle(aggregator.hear(bytes))
    return aggregator.recover()
  })
  const { selfKeys, droppedPairMasks } = recovery.value
  const hashing = await fastest(repeats, () => kept.map(body => addressOf(chunkHashes(body, crypto), crypto)))
  const parts = { selfKeys, droppedPairMasks }
  const lost = members.length - survivors.length
  if (selfKeys.length + droppedPairMasks.length !== survivors.length * (1 + lost))
    throw new Error('not the masks that are left in the sum')
  const unmasking = await fastest(repeats, () => sumUp(unmaskingOf(encoding.ringBits, kept, parts)))
  const decoding = await fastest(repeats, () =>
    decodeSum(encoding, lanesOfBytes(unmasking.value, encoding.ringBits), survivors.length)
  )
  if (decoding.value.weightSum !== survivors.length || decoding.value.weightedSum.length !== d)
    throw new Error('the sum is not that of the survivors')
  return {
    decoded: decoding.value,
    aggregatorMs: recovery.ms + hashing.ms + unmasking.ms + decoding.ms,
    maskingMs: unmasking.ms,
    bundleBytes: bundles[0]!.bytes.length
  }
}

/** The plain sums that the secure ones are held against: of the members that are left, for each fraction that drops out. */
class DroppedSums {
  readonly #sums = new Map<number, Float64Array>()

  constructor({ n, d, dropped }: RoundSettings) {
    for (const fraction of dropped) this.#sums.set(n - Math.floor(fraction * n), new Float64Array(d))
  }

  add(peer: number, delta: Float32Array): void {
    for (const [survivors, sum] of this.#sums) {
      if (peer < survivors) for (let i = 0; i < sum.length; i++) sum[i]! += delta[i]!
    }
  }

  meanOf(survivors: number): Float64Array {
    return this.#sums.get(survivors)!.map(x => x / survivors)
  }
}
