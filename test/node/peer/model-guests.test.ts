import { expect } from 'chai'
import { fetchModel } from '../../../node/peer/model-fetch.ts'
import { ModelGuests } from '../../../node/peer/model-guests.ts'
import { type ShareableModel, shareModel } from '../../../node/peer/model-sharing.ts'
import { sha256Hash } from '../../../node/platform/content-hash.ts'
import { emptyRecord, recordWith } from '../../../protocols/admission.ts'
import { createBlobExchange } from '../../../protocols/blob-exchange.ts'
import { BLOB_PROTOCOL, encodeBlobRequest } from '../../../protocols/blob-messages.ts'
import { memorySource } from '../../../protocols/blob-storage.ts'
import type { ChainTip } from '../../../protocols/chain-tip.ts'
import { toHex } from '../../../protocols/hex.ts'
import { CHUNK_BYTES, MODEL_GUESTS_MAX, REDEMPTION_BYTES } from '../../../protocols/limits.ts'
import { Redemption } from '../../../protocols/messages.js'
import type { Network, PeerId } from '../../../protocols/ports.ts'
import { encodeModelRequest, MODEL_PROTOCOL } from '../../../protocols/shared-model.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { crypto, randomBytes } from '../../support/blob-world.ts'
import { testMember } from '../../support/chains.ts'
import { admissionOf, invitationRun, invite, invited, redemptionOf } from '../../support/invitations.ts'
import { hashOf, MemoryShelf } from '../../support/memory-shelf.ts'
import { linksOf, PeerCluster } from '../../support/peer-cluster.ts'

/** The smallest file comes first. */
const FIRST_BYTES = 100

const files = new Map([
  ['config.json', randomBytes(FIRST_BYTES, 1)],
  ['model.safetensors', randomBytes(6 * CHUNK_BYTES, 2)],
  ['tokenizer.json', randomBytes(200, 3)]
])
const sha256 = hashOf(
  Buffer.concat([...files].flatMap(([path, bytes]) => [Buffer.from(`${path}\0`), hashOf(bytes)]))
)
const model: ShareableModel = {
  sha256,
  newHash: sha256Hash,
  open: async () => [...files].map(([path, bytes]) => ({ path, source: memorySource(bytes) }))
}

interface Fetching {
  readonly clock: VirtualClock
  readonly redemption?: Redemption | undefined
  readonly onBytes?: (bytes: number) => void
}

/** @returns null if nobody gave them within the time that a fetch takes */
async function fetched(
  network: Network,
  { clock, redemption, onBytes = () => {} }: Fetching
): Promise<'the model' | null> {
  const shelf = new MemoryShelf()
  let isOver = false
  const work = fetchModel(
    {
      network,
      clock,
      crypto,
      shelf,
      allow: () => false,
      upload: {},
      log: () => {},
      onNotice: () => {},
      onProgress: ({ doneBytes }) => onBytes(doneBytes)
    },
    { sha256, name: 'a model', redemption },
    new AbortController().signal
  )
    .then(() => {
      for (const [path, bytes] of files)
        expect(Buffer.compare(shelf.files.get(path)!, bytes), path).to.equal(0)
      return 'the model' as const
    })
    .catch(({ code }: { code?: string }) => (code === 'NO_BASE_MODEL' ? null : expect.fail(String(code))))
    .finally(() => {
      isOver = true
    })
  expect(await clock.runUntil(() => isOver, 1_000_000)).to.equal(true)
  return work
}

async function framesOf(
  network: Network,
  to: PeerId,
  protocol: string,
  body: Uint8Array
): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  try {
    for await (const frame of network.request(to, protocol, body, {
      timeoutMs: 5_000,
      maxFrameBytes: 2 ** 20
    }))
      frames.push(frame)
  } catch {
    // A request that is refused.
  }
  return frames
}

async function within<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isOver = false
  void work.finally(() => {
    isOver = true
  })
  expect(await clock.runUntil(() => isOver, 60_000)).to.equal(true)
  return work
}

const chunkOf = (address: Uint8Array): Uint8Array =>
  encodeBlobRequest({ address, wanted: 'list-and-chunks', firstChunk: 0, chunks: 1 })

const test = invitationRun(4)
const once = invite(test, 1)
const guest = invited(20, once)

/** A member with the model, at a tip that a test sets, and whoever asks it. */
class Sharing {
  readonly clock = new VirtualClock(1_000_000)
  readonly #world = createSimWorld({ clock: this.clock, seed: 1 })
  readonly member = this.#world.join(test.members[1]!.id)
  readonly ofRound: Uint8Array
  tip: Pick<ChainTip, 'expelled' | 'admission'> | null = test.tip
  /** How far the member's clock has gone on. */
  aheadMs = 0
  #guests!: ModelGuests

  constructor() {
    this.startAnew()
    const { clock, member: network } = this
    const allow = (peer: PeerId): boolean => test.members.some(({ id }) => id === peer)
    const blobs = createBlobExchange({
      network,
      clock,
      crypto,
      allow: (peer, address) => allow(peer) || sharing.givesGuest(peer, address)
    })
    const guests = {
      admit: (peer: PeerId, shown: Redemption) => this.#guests.admit(peer, shown),
      has: (peer: PeerId) => this.#guests.has(peer)
    }
    const sharing = shareModel({ network, blobs, crypto, allow, guests, log: () => {} }, model)
    this.ofRound = blobs.put(randomBytes(1_000, 4))
  }

  /** The member has forgotten whom it served. */
  startAnew(): void {
    const clock = { nowMs: () => this.clock.nowMs() + this.aheadMs }
    this.#guests = new ModelGuests({ run: test.run, tip: () => this.tip, clock, crypto })
  }

  join(peer: PeerId): Network {
    return this.#world.join(peer)
  }

  fetch(peer: PeerId, options: Omit<Fetching, 'clock'>): Promise<'the model' | null> {
    return fetched(this.join(peer), { ...options, clock: this.clock })
  }
}

describe('the base model for a peer with an invitation', () => {
  it('comes before the peer is in the run, and nothing else does', async () => {
    const peers = [1, 2, 3, 4, 5].map(number => testMember(number).id)
    const cluster = new PeerCluster({
      founders: 4,
      manifest: { rounds: 1000, admission: { kind: 'invitation', peers } }
    })
    const { clock, world } = cluster
    const [author] = await Promise.all([1, 2, 3, 4].map(n => cluster.start(n, { sharedModel: model })))
    expect(await cluster.runUntil(() => linksOf(author!).length > 0)).to.equal(true)
    const { id, redemption } = invited(20, invite(cluster.run, 1))
    const network = world.join(id)
    expect(await fetched(network, { clock, redemption })).to.equal('the model')
    const listed = world.join(peers[4]!)
    const state = (): Uint8Array => chunkOf(author!.peer.status().tip!.stateHash)
    const ask = (by: Network) => within(clock, framesOf(by, peers[0]!, BLOB_PROTOCOL, state()))
    expect(await ask(listed), 'a listed peer gets the state').not.to.deep.equal([])
    expect(await ask(network), 'a guest does not').to.deep.equal([])
    await cluster.stop()
  })

  it('goes on with a member that has started anew since', async () => {
    const sharing = new Sharing()
    const { redemption } = guest
    let starts = 0
    const onBytes = (bytes: number): void => {
      if (bytes === FIRST_BYTES && starts === 0) {
        starts++
        sharing.startAnew()
      }
    }
    expect(await sharing.fetch(guest.id, { redemption, onBytes })).to.equal('the model')
    expect(starts).to.equal(1)
  })

  const lapsed = invite(test, 2, { expiresAtS: 999 })
  const cases: Array<[string, Redemption | undefined, Partial<ChainTip>?]> = [
    ['shows none', undefined],
    ['shows one by a stranger', redemptionOf(invite(test, 1, {}, testMember(9)), guest.id)],
    ['shows one for another run', redemptionOf(invite(test, 1, { run: new Uint8Array(32) }), guest.id)],
    ['shows what was made out to somebody else', redemptionOf(once, testMember(21).id)],
    ['shows one that has expired', redemptionOf(lapsed, guest.id)],
    ['shows nothing whole', { invitation: undefined, proof: new Uint8Array(64) }],
    [
      'shows one that is revoked',
      guest.redemption,
      { admission: { ...emptyRecord, revoked: new Map([[toHex(once.invitation.id), new Uint8Array()]]) } }
    ],
    [
      'shows one that is used up',
      guest.redemption,
      { admission: recordWith(emptyRecord, admissionOf(invited(22, once))) }
    ],
    ['was expelled', guest.redemption, { expelled: [guest.id] }]
  ]
  for (const [what, redemption, tip] of cases) {
    it(`does not come to a peer that ${what}`, async () => {
      const sharing = new Sharing()
      sharing.tip = { ...test.tip, ...tip }
      expect(await sharing.fetch(guest.id, redemption === undefined ? {} : { redemption })).to.equal(null)
    })
  }

  it('stops coming when the invitation is revoked or expires, or the peer is expelled', async () => {
    const expiring = invited(20, invite(test, 1, { expiresAtS: 2_000 }))
    const key = toHex(expiring.redemption!.invitation!.id)
    const ends: Array<(sharing: Sharing) => void> = [
      sharing => {
        const revoked = new Map([[key, new Uint8Array()]])
        sharing.tip = { ...test.tip, admission: { ...emptyRecord, revoked } }
      },
      sharing => {
        sharing.tip = { ...test.tip, expelled: [guest.id] }
      },
      sharing => {
        sharing.aheadMs = 1_000_000
      }
    ]
    for (const end of ends) {
      const sharing = new Sharing()
      const { redemption } = expiring
      let isEnded = false
      const onBytes = (bytes: number): void => {
        if (bytes === FIRST_BYTES && !isEnded) {
          isEnded = true
          end(sharing)
        }
      }
      expect(await sharing.fetch(guest.id, { redemption, onBytes })).to.equal(null)
      expect(isEnded).to.equal(true)
    }
  })

  it('comes with its list only to who asks for this model in a whole request', async () => {
    const sharing = new Sharing()
    const network = sharing.join(guest.id)
    const ask = async (body: Uint8Array): Promise<number> => {
      const frames = await within(
        sharing.clock,
        framesOf(network, sharing.member.peerId, MODEL_PROTOCOL, body)
      )
      return frames.length
    }
    const good = encodeModelRequest({ sha256, redemption: guest.redemption })
    expect(await ask(encodeModelRequest({ sha256: hashOf(sha256), redemption: guest.redemption }))).to.equal(
      0
    )
    for (const bytes of [0, 31, 32, 33, good.length - 1])
      expect(await ask(good.subarray(0, bytes))).to.equal(0)
    expect(await ask(Buffer.concat([good, new Uint8Array(1)]))).to.equal(0)
    expect(await ask(good)).to.equal(1)
    const blob = framesOf(network, sharing.member.peerId, BLOB_PROTOCOL, chunkOf(sharing.ofRound))
    expect(await within(sharing.clock, blob)).to.deep.equal([])
    // The member's own list still takes 32 bytes.
    const member = sharing.join(test.members[2]!.id)
    const bare = framesOf(member, sharing.member.peerId, MODEL_PROTOCOL, sha256)
    expect(await within(sharing.clock, bare)).to.have.length(1)
  })
})

describe('the guests of a member', () => {
  const guestsAt = (tip: Pick<ChainTip, 'expelled' | 'admission'> | null, nowMs = 1_000_000): ModelGuests =>
    new ModelGuests({ run: test.run, tip: () => tip, clock: { nowMs: () => nowMs }, crypto })

  it('are no more by one invitation than it can let in: the oldest gives way', () => {
    const twice = invite(test, 3, { uses: 2 })
    const [came, ...others] = [30, 31, 32, 33].map(number => invited(number, twice))
    const guests = guestsAt({ ...test.tip, admission: recordWith(emptyRecord, admissionOf(came!)) })
    for (const { id, redemption } of [came!, ...others])
      expect(guests.admit(id, redemption!), id).to.equal(true)
    expect([came!, ...others].map(({ id }) => guests.has(id))).to.deep.equal([true, false, false, true])
    expect(guests.admit(others[0]!.id, others[0]!.redemption!)).to.equal(true)
    expect([came!, ...others].map(({ id }) => guests.has(id))).to.deep.equal([true, true, false, false])
  })

  it('are bounded, whoever invited them', () => {
    const guests = guestsAt(null)
    const many = Array.from({ length: MODEL_GUESTS_MAX + 1 }, (_, i) =>
      invited(100 + i, invite(test, 100 + i))
    )
    for (const { id, redemption } of many) expect(guests.admit(id, redemption!)).to.equal(true)
    expect(many.filter(({ id }) => !guests.has(id)).map(({ id }) => id)).to.deep.equal([many[0]!.id])
  })

  it('come back after the expiry if the chain has let them in', () => {
    const tip = { ...test.tip, admission: recordWith(emptyRecord, admissionOf(guest)) }
    expect(guestsAt(test.tip, 5e12).admit(guest.id, guest.redemption!)).to.equal(false)
    expect(guestsAt(tip, 5e12).admit(guest.id, guest.redemption!)).to.equal(true)
  })

  it('are none in a run that takes listed peers only', () => {
    const manifest = {
      ...test.run.manifest,
      admission: { kind: 'list' as const, peers: test.members.map(({ id }) => id) }
    }
    const guests = new ModelGuests({
      run: { ...test.run, manifest },
      tip: () => null,
      clock: { nowMs: () => 0 },
      crypto
    })
    expect(guests.admit(guest.id, guest.redemption!)).to.equal(false)
  })

  it('fit the longest label into a request', () => {
    const longest = invite(test, 1, { label: 'ﷺ'.repeat(64), uses: 1024, expiresAtS: 2 ** 32 - 1 })
    expect(Redemption.encode(redemptionOf(longest, guest.id)).length)
      .to.equal(407)
      .and.be.below(REDEMPTION_BYTES)
  })
})
