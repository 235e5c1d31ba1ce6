import { expect } from 'chai'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { laneCountOf } from '../../aggregation/encoding.ts'
import { splitSecret } from '../../aggregation/shamir.ts'
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import { nodeCrypto, seededCrypto } from '../../node/platform/node-crypto.ts'
import type { AttemptState } from '../../node/round/round-state.ts'
import type { Effect } from '../../node/round/round-types.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Files } from '../../protocols/ports.ts'
import { testDeadlines, testRun } from '../support/chains.ts'
import { linkKinds } from '../support/cluster-claims.ts'
import { linksOf, PeerCluster } from '../support/peer-cluster.ts'
import { type ClusterOptions, RoundCluster } from '../support/round-cluster.ts'

const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
const isZero = (bytes: Uint8Array) => bytes.every(byte => byte === 0)

interface Kept {
  readonly peer: string
  readonly what: string
  readonly attempt: string
  /** The very buffer of the machine, and what was in it. */
  readonly buffer: Uint8Array
  readonly value: Buffer
}

/** Every secret in an attempt, with a name. */
function secretsIn({ secrets, goodShares, seeds }: AttemptState): Array<[string, Uint8Array]> {
  return [
    ...Object.entries((secrets ?? {}) as Record<string, Uint8Array>),
    ...[...goodShares].flatMap(
      ([dealer, { seedShare, keyShare }]): Array<[string, Uint8Array]> => [
        [`seed share of ${dealer}`, seedShare],
        [`key share of ${dealer}`, keyShare]
      ]
    ),
    ...(seeds ?? []).map((seed, i): [string, Uint8Array] => [`recovered seed ${i}`, seed])
  ]
}

/** A cluster in which every secret that a machine ever holds is kept in view. */
function watchedCluster(options: Partial<ClusterOptions> = {}) {
  const kept = new Map<Uint8Array, Kept>()
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 6,
    ...options,
    onStep: (peer, ...rest) => {
      options.onStep?.(peer, ...rest)
      const { attempt } = cluster.peer(peer).state
      if (attempt === null) return
      const of = `${attempt.round}.${attempt.attempt}`
      for (const [what, buffer] of secretsIn(attempt)) {
        if (kept.has(buffer)) continue
        expect(isZero(buffer), `${what} of ${of}`).to.equal(false)
        kept.set(buffer, { peer, what, attempt: of, buffer, value: Buffer.from(buffer) })
      }
    }
  })
  return { cluster, kept: () => [...kept.values()] }
}

/** Every byte array that can be reached from a value, whatever holds it. */
function bytesIn(root: unknown): Uint8Array[] {
  const seen = new Set<unknown>()
  const found: Uint8Array[] = []
  const open = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (value === null || typeof value !== 'object' || seen.has(value)) continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) {
      found.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    } else if (value instanceof Map) open.push(...value.keys(), ...value.values())
    else if (value instanceof Set) open.push(...value)
    else open.push(...Object.values(value))
  }
  return found
}

/** The secrets of these, overwritten where they were, and nowhere else in the machines' states. */
function expectErased(cluster: RoundCluster, secrets: readonly Kept[]): void {
  for (const { peer, what, attempt, buffer } of secrets)
    expect(toHex(buffer), `${what} of ${attempt} at ${peer}`).to.match(/^(00)+$/)
  for (const { id, state } of cluster.alive) {
    const reachable = Buffer.concat(bytesIn(state))
    for (const { peer, what, attempt, value } of secrets) {
      // What was released is everybody's: a share of a seed, or the seed, may lie in what is still to be read.
      const isPublic = what.startsWith('seed share') || what.startsWith('recovered')
      if (peer === id && !isPublic)
        expect(reachable.includes(value), `${what} of ${attempt} at ${peer}`).to.equal(false)
    }
  }
}

describe('secrets are erased', () => {
  it('and the search finds them while the attempt lasts', () => {
    const { cluster, kept } = watchedCluster()
    cluster.start().runUntil(() => cluster.alive.some(({ state }) => state.phase === 'Unmasking'))
    expect(kept().length).to.be.above(40)
    for (const { peer, value } of kept())
      expect(Buffer.concat(bytesIn(cluster.peer(peer).state)).includes(value)).to.equal(true)
  })

  it('after a result: keys, seed, shares given and seeds recovered, with one member that dies', () => {
    const victim = run.members[1]!.id
    const isLast = (id: string, effect: Effect) =>
      id === victim && effect.type === 'gossip' && effect.message.type === 'unmask-bundle'
    const { cluster, kept } = watchedCluster({ onEffect: (id, effect) => !isLast(id, effect) })
    expect(cluster.start().finish(60_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result'])
    // Per peer 3 secrets and 8 shares; the one that died recovered no seeds, and erased nothing.
    expect(kept()).to.have.lengthOf(4 * (3 + 8) + 3 * 4)
    expectErased(
      cluster,
      kept().filter(({ peer }) => peer !== victim)
    )
  })

  it('after an abort', () => {
    const dead = new Set<string>()
    const { cluster, kept } = watchedCluster({
      onEffect: (id, effect) => {
        if (effect.type !== 'train' || dead.size === 2) return true
        dead.add(id)
        cluster.at(cluster.nowMs + 300, () => cluster.restart(id))
        return false
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['abort', 'result'])
    const aborted = kept().filter(({ attempt, peer }) => attempt === '0.0' && !dead.has(peer))
    expect(aborted).to.have.lengthOf(2 * (3 + 8))
    expectErased(cluster, aborted)
  })

  it('after a loss: what was not released, and what was', () => {
    const dead = new Set<string>()
    const { cluster, kept } = watchedCluster({
      onEffect: (id, effect) => {
        if (effect.type !== 'journal' || effect.entry.kind !== 'release' || dead.size === 2) return true
        dead.add(id)
        cluster.at(cluster.nowMs + 400, () => cluster.restart(id))
        return false
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['lost', 'result'])
    const lost = kept().filter(({ attempt, peer }) => attempt === '0.0' && !dead.has(peer))
    expect(lost).to.have.lengthOf(2 * (3 + 8))
    expectErased(cluster, lost)
  })

  it('by a member that was cut off and adopts the chain of the others', () => {
    const { cluster, kept } = watchedCluster()
    const [late, ...others] = run.members.map(({ id }) => id) as [string, string, string, string]
    cluster.start().runUntil(() => cluster.peer(late).state.attempt?.goodShares.size === 4)
    cluster.partition([late], others)
    expect(cluster.runUntil(() => others.every(id => cluster.peer(id).links.length === 1))).to.equal(true)
    const own = () => kept().filter(({ peer }) => peer === late)
    expect(own()).to.have.lengthOf(3 + 8)
    for (const { buffer } of own()) expect(isZero(buffer)).to.equal(false)
    cluster.partition()
    expect(cluster.finish(60_000)).to.equal(true)
    expectErased(cluster, own())
  })
})

/** The bytes of every file in a folder and below. */
async function contentsOf(disk: Files, folder = ''): Promise<Uint8Array[]> {
  const names = await disk.list(folder)
  const contents = names.map(async name => {
    const path = folder === '' ? name : `${folder}/${name}`
    return (await disk.list(path)).length > 0 ? contentsOf(disk, path) : [(await disk.read(path))!]
  })
  return (await Promise.all(contents)).flat()
}

/** A suite that remembers every secret that it has handed out. */
function remembering(crypto: CryptoSuite) {
  const handedOut: Array<{ readonly what: string; readonly bytes: Uint8Array }> = []
  const kept = (what: string, bytes: Uint8Array) => {
    handedOut.push({ what, bytes })
    return bytes
  }
  const suite: CryptoSuite = {
    ...crypto,
    randomBytes: length => kept(`${length} random bytes`, crypto.randomBytes(length)),
    x25519: (secretKey, publicKey) => {
      const shared = crypto.x25519(secretKey, publicKey)
      // The test for low order goes with a key that everybody knows.
      return secretKey.every(byte => byte === 0x42) ? shared : kept('a shared secret', shared)
    },
    hkdfSha256: (...input) => kept('a derived key', crypto.hkdfSha256(...input)),
    gcmOpen: (...input) => kept('a pair of shares', crypto.gcmOpen(...input))
  }
  return { suite, handedOut }
}

describe('a peer that has taken part', () => {
  it('has erased every key, seed, share and random byte that it ever had, its public nonces excepted', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 2 } })
    const { suite, handedOut } = remembering(seededCrypto(Uint8Array.of(4)))
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, number === 3 ? { crypto: suite } : {}))
    )
    // One drops out in the second round, so that a mask key is recovered too.
    expect(await cluster.runUntil(() => linksOf(lives[2]!).length === 1)).to.equal(true)
    lives[3]!.trainer.failWith = 'no more'
    expect(await cluster.runToEnd()).to.equal(true)
    await cluster.stop()
    const counts: Record<string, number> = {}
    for (const { what } of handedOut) counts[what] = (counts[what] ?? 0) + 1
    // In each round: three secrets; with three others, a key of shares each way, the masks, and those taken off.
    expect(counts['a pair of shares']).to.equal(2 * 3)
    expect(counts['a derived key']).to.equal(2 * (6 + 4) + 4 + 3 + 3)
    const left = handedOut.filter(({ bytes }) => !isZero(bytes)).map(({ what }) => what)
    expect(left).to.deep.equal(['32 random bytes'])
  })

  it('in one of several cohorts has erased them too, its public nonces excepted', async () => {
    const cluster = new PeerCluster({
      founders: 8,
      manifest: { rounds: 1, cohort: { founders: 8, size: 4, larger: 'tree', fanIn: 2 } }
    })
    const { suite, handedOut } = remembering(seededCrypto(Uint8Array.of(4)))
    const lives = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map(number => cluster.start(number, number === 3 ? { crypto: suite } : {}))
    )
    const derived = () => handedOut.filter(({ what }) => what === 'a derived key')
    const secrets = () => handedOut.slice(1).filter(({ what }) => what === '32 random bytes')
    // As soon as its own cohort has its sum, whatever the others are at.
    expect(
      await cluster.runUntil(
        () =>
          derived().length > 10 &&
          secrets()
            .slice(0, 3)
            .every(({ bytes }) => isZero(bytes))
      )
    ).to.equal(true)
    expect(lives[2]!.peer.status().tip!.height, 'the round is not over').to.equal(0)
    expect(await cluster.runToEnd()).to.equal(true)
    await cluster.stop()
    expect(handedOut.filter(({ what }) => what === 'a pair of shares').length).to.equal(3)
    const left = handedOut.filter(({ bytes }) => !isZero(bytes)).map(({ what }) => what)
    expect(left).to.deep.equal(['32 random bytes'])
  })

  it('overwrites its plain input, and what it was made of, where they are', async () => {
    const cluster = new PeerCluster({
      founders: 4,
      manifest: { rounds: 1, secureSum: { ringBits: 20 } }
    })
    const overwritten: string[] = []
    const prototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
    const { fill } = prototype
    prototype.fill = function (this: Uint8Array, ...input: Parameters<typeof fill>) {
      // Only what had something in it, and wholly; and by whom.
      const caller = new Error().stack!.split('\n')[2] ?? ''
      const by = /(round-work|local-training)\.ts/.exec(caller)?.[1]
      if (by !== undefined && input[0] === 0 && input.length === 1 && !isZero(this))
        overwritten.push(`${by}: ${this.constructor.name} ${this.length}`)
      return fill.apply(this, input)
    }
    try {
      await cluster.startAll()
      expect(await cluster.runToEnd()).to.equal(true)
    } finally {
      prototype.fill = fill
    }
    await cluster.stop()
    const encoding = roundEncodingOf(cluster.run.run, cluster.run.layout, 4, 0)
    const { dimension } = encoding
    expect(encoding.ringBits).to.equal(20)
    const lanes = laneCountOf(encoding)
    const count = (kind: string) => overwritten.filter(name => name === kind).length
    expect(count(`round-work: Lanes20 ${lanes}`), 'inputs').to.equal(4)
    expect(count(`local-training: Float32Array ${dimension}`), 'deltas').to.equal(4)
    expect(count(`local-training: Float64Array ${dimension}`), 'clipped').to.equal(4)
    expect(count(`local-training: Float32Array ${cluster.run.layout.length}`), 'trained adapters').to.equal(4)
  })

  it('keeps none of it on its disk', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 1 } })
    const { suite, handedOut } = remembering(seededCrypto(Uint8Array.of(4)))
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, number === 3 ? { crypto: suite } : {}))
    )
    const values = () => handedOut.slice(1).filter(({ bytes }) => !isZero(bytes))
    const seen: Buffer[] = []
    await cluster.runUntil(() => {
      for (const { bytes } of values()) seen.push(Buffer.from(bytes))
      return lives[2]!.peer.status().phase === 'Unmasking'
    })
    expect(seen.length).to.be.above(10)
    const all = Buffer.concat(await contentsOf(lives[2]!.disk))
    expect(all.length).to.be.above(1_000)
    for (const secret of seen) {
      expect(all.includes(secret)).to.equal(false)
      expect(all.includes(secret.toString('hex'))).to.equal(false)
    }
    await cluster.stop()
  })
})

describe('the primitives', () => {
  it('of Shamir overwrite the polynomials, which say the secret', () => {
    const drawn: Uint8Array[] = []
    const secret = new Uint8Array(32).fill(5)
    splitSecret(secret, 4, 3, length => {
      const bytes = new Uint8Array(length).fill(9)
      drawn.push(bytes)
      return bytes
    })
    expect(drawn.map(isZero)).to.deep.equal([true])
    expect(isZero(secret), 'the caller’s own').to.equal(false)
  })

  it('draw random bytes of their own, which nobody else writes to or keeps', () => {
    const crypto = nodeCrypto()
    const first = crypto.randomBytes(32)
    const copy = first.slice()
    crypto.randomBytes(32).fill(1)
    expect(first).to.deep.equal(copy)
    expect(first.byteLength).to.equal(32)
    expect(first.buffer.byteLength).to.equal(32)
  })
})
