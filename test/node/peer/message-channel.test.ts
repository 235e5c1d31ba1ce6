import { expect } from 'chai'
import { MessageChannel } from '../../../node/peer/message-channel.ts'
import {
  type MessageType,
  PROTOCOL_VERSION,
  type SignedMessage,
  sealMessage,
  ZERO_HASH
} from '../../../protocols/envelope.ts'
import type { Network } from '../../../protocols/ports.ts'
import { MESSAGE_PROTOCOL, topicOfRun } from '../../../protocols/run-protocols.ts'
import type { TrafficRecord } from '../../../protocols/traffic.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { testRun } from '../../support/chains.ts'

const { run, crypto, members, tip } = testRun(4)

function sealed(type: MessageType, sender: number): SignedMessage {
  const context = {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: ZERO_HASH,
    round: 0,
    attempt: 0,
    rosterHash: ZERO_HASH,
    baseModel: run.baseModel,
    encodingHash: ZERO_HASH
  }
  return sealMessage(type, context, Uint8Array.of(1), members[sender]!.signer, crypto)
}

function world() {
  const clock = new VirtualClock()
  const verdicts: string[] = []
  const sim = createSimWorld({
    clock,
    seed: 1,
    onVerdict: (_from, _to, _topic, verdict) => verdicts.push(verdict)
  })
  const got: string[][] = members.map(() => [])
  const refused: string[] = []
  const sent: TrafficRecord[] = []
  const networks: Network[] = []
  const channels = members.map((member, i) => {
    const network = sim.join(member.id, record => {
      if (i === 0 && record.direction === 'out') sent.push(record)
    })
    networks.push(network)
    const channel = new MessageChannel({
      network,
      run,
      crypto,
      tip: () => tip,
      onMessage: message => got[i]!.push(message.type),
      onRefused: (_from, { reason }) => refused.push(reason),
      log: () => {}
    })
    channel.open()
    return channel
  })
  return { clock, sim, networks, channels, got, refused, sent, verdicts }
}

describe('messages between peers', () => {
  it('go by gossip to all the others', async () => {
    const { clock, channels, got, verdicts } = world()
    await clock.advance(100)
    channels[0]!.gossip(sealed('proposal', 0))
    await clock.advance(1_000)
    expect(got).to.deep.equal([[], ['proposal'], ['proposal'], ['proposal']])
    expect(verdicts).to.deep.equal(['accept', 'accept', 'accept'])
  })

  it('go directly to those named, and to nobody else', async () => {
    const { clock, channels, got, sent } = world()
    await clock.advance(100)
    channels[0]!.send([members[1]!.id, members[2]!.id], sealed('prepare', 0))
    await clock.advance(1_000)
    expect(got).to.deep.equal([[], ['prepare'], ['prepare'], []])
    expect(sent.map(({ label }) => label)).to.deep.equal([MESSAGE_PROTOCOL, MESSAGE_PROTOCOL])
  })

  it('are gossiped once if some of those named are out of reach', async () => {
    const { clock, sim, channels, got, sent } = world()
    await clock.advance(100)
    sim.partition([0, 1, 3].map(i => members[i]!.id))
    await clock.advance(100)
    channels[0]!.send([members[1]!.id, members[2]!.id], sealed('prepare', 0))
    await clock.advance(20_000)
    expect(sent.filter(({ kind }) => kind === 'gossip').map(({ label }) => label)).to.deep.equal([
      topicOfRun(run.id)
    ])
    expect(got[1]).to.deep.equal(['prepare', 'prepare'])
    expect(got[3]).to.deep.equal(['prepare'])
  })

  it('that are forged reach no machine, by gossip or directly', async () => {
    const { clock, networks, got, refused, verdicts } = world()
    await clock.advance(100)
    const bytes = sealed('commit', 0).bytes.slice()
    bytes[bytes.length - 1]! ^= 1
    await networks[0]!.publish(topicOfRun(run.id), bytes)
    const answer = networks[0]!.request(members[1]!.id, MESSAGE_PROTOCOL, bytes, {
      timeoutMs: 1_000,
      maxFrameBytes: 64
    })
    const reading = answer[Symbol.asyncIterator]()
      .next()
      .catch(error => error)
    await clock.advance(1_000)
    expect(await reading, 'the sender learns that it was no message').to.have.property('code', 'RESET')
    expect(got.flat()).to.deep.equal([])
    expect(refused).to.deep.equal(new Array(4).fill('BAD_SIGNATURE'))
    expect(verdicts).to.deep.equal(new Array(3).fill('reject'))
  })

  it('no longer come in once the channel is closed', async () => {
    const { clock, channels, got } = world()
    await clock.advance(100)
    channels[1]!.close()
    channels[0]!.gossip(sealed('proposal', 0))
    await clock.advance(1_000)
    expect(got).to.deep.equal([[], [], ['proposal'], ['proposal']])
  })
})
