import { generateKeyPair } from '@libp2p/crypto/keys'
import { RPC } from '@libp2p/gossipsub/message'
import { expect } from 'chai'
import { encode } from 'it-length-prefixed'
import { BanList } from '../../../../node/platform/guard/ban-list.ts'
import type { Offence } from '../../../../node/platform/guard/offences.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../../../node/platform/libp2p-network.ts'
import { systemClock } from '../../../../node/platform/system-clock.ts'
import { NetworkError } from '../../../../protocols/errors.ts'
import { PEERS_PROTOCOL } from '../../../../protocols/peer-exchange.ts'
import type { GossipVerdict } from '../../../../protocols/ports.ts'
import {
  connectTo,
  endlessFrame,
  type Hostile,
  hostileNode,
  openStream
} from '../../../support/hostile/node.ts'

const TOPIC = 'fedpeft/1/run/reader'

interface Member {
  readonly network: Libp2pNetwork
  readonly bans: BanList
  readonly offences: Offence[]
}

describe('gossip over libp2p', function () {
  this.timeout(60_000)
  const members: Member[] = []
  const hostile: Array<Hostile['node']> = []
  afterEach(async () => {
    await Promise.all([
      ...members.splice(0).map(({ network }) => network.close()),
      ...hostile.splice(0).map(node => node.stop())
    ])
  })

  async function member(verdict: GossipVerdict, listens = true): Promise<Member> {
    const offences: Offence[] = []
    const bans = new BanList(systemClock)
    const network = await createLibp2pNetwork({
      identity: await generateKeyPair('Ed25519'),
      listen: listens ? ['/ip4/127.0.0.1/tcp/0'] : [],
      transports: 'internet',
      bans,
      onOffence: offence => offences.push(offence)
    })
    network.subscribe(TOPIC, async () => verdict)
    members.push({ network, bans, offences })
    return members.at(-1)!
  }

  async function enemyOf({ network }: Member): Promise<Hostile> {
    const node = await hostileNode()
    hostile.push(node)
    return connectTo(node, network.addresses()[0]!)
  }

  const frameOf = (rpc: Parameters<typeof RPC.encode>[0]): Uint8Array =>
    encode.single(RPC.encode(rpc)).subarray()

  it('lets nothing malformed, unsigned or endless pass in silence', async () => {
    const victim = await member('accept')
    const bad: Array<readonly [Uint8Array, Offence['reason']]> = [
      [encode.single(new Uint8Array(50).fill(0xff)).subarray(), 'malformed-gossip'],
      [
        frameOf({ subscriptions: [], messages: [{ topic: TOPIC, data: new Uint8Array(10) }] }),
        'invalid-gossip'
      ],
      [endlessFrame(), 'oversized-frame']
    ]
    for (const [bytes, reason] of bad) {
      const enemy = await enemyOf(victim)
      const peer = enemy.node.peerId.toString()
      const stream = await openStream(enemy.connection, '/meshsub/1.1.0')
      await until(() => {
        if (stream.status === 'open') stream.send(bytes)
        return victim.offences.some(offence => offence.peer === peer)
      })
      expect(victim.offences.find(offence => offence.peer === peer)!.reason).to.equal(reason)
    }
  })

  for (const [verdict, culprit] of [
    ['reject', 'the relay and the publisher'],
    ['reject-publisher', 'the publisher alone']
  ] as const) {
    it(`blames ${culprit} for what is "${verdict}"`, async () => {
      // Both only dial, so that what one says reaches the other through the relay alone.
      const [publisher, judge] = [await member('accept', false), await member(verdict, false)]
      const relay = await member('accept')
      for (const { network } of [publisher, judge]) await network.dial(relay.network.addresses()[0]!)
      const blamed = (of: Member): boolean => judge.offences.some(({ peer }) => peer === of.network.peerId)
      let said = 0
      await until(() => {
        void publisher.network.publish(TOPIC, new TextEncoder().encode(`word ${said++}`))
        return blamed(publisher)
      })
      expect(blamed(relay)).to.equal(verdict === 'reject')
      expect(judge.network.peers()).to.not.include(publisher.network.peerId)
    })
  }

  it('closes what is up at once when a peer is banned, and lets it in again when it is not', async () => {
    const victim = await member('accept')
    const enemy = await enemyOf(victim)
    victim.bans.ban(enemy.node.peerId.toString(), 'for the test', null)
    await enemy.gone
    // It learns of the refusal during the handshake or right after it.
    const again = await connectTo(enemy.node, victim.network.addresses()[0]!).catch(() => null)
    await again?.gone
    victim.bans.unban(enemy.node.peerId.toString())
    const welcome = await connectTo(enemy.node, victim.network.addresses()[0]!)
    await (await openStream(welcome.connection, PEERS_PROTOCOL)).close()
    expect(welcome.connection.status).to.equal('open')
    expect(victim.offences).to.deep.equal([])
  })

  it('tells a peer that it was turned away, without making it wait', async () => {
    const [keeper, banned] = [await member('accept'), await member('accept', false)]
    keeper.bans.ban(banned.network.peerId, 'for the test', null)
    const error = await banned.network.dial(keeper.network.addresses()[0]!).catch((thrown: Error) => thrown)
    expect(error)
      .to.be.instanceOf(NetworkError)
      .with.property('message')
      .that.matches(/closed|reset/)
    expect(String(error)).to.not.match(/within \d+ s|timed? ?out/i)
  })
})

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 40_000
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error('waited 40 s')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
