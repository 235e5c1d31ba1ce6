import { expect } from 'chai'
import { gatherTranscript, serveTranscript } from '../../../node/peer/transcript-protocol.ts'
import { PROTOCOL_VERSION, type SignedMessage, sealMessage, ZERO_HASH } from '../../../protocols/envelope.ts'
import { toHex } from '../../../protocols/hex.ts'
import type { Network } from '../../../protocols/ports.ts'
import { TRANSCRIPT_PROTOCOL } from '../../../protocols/run-protocols.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { testRun } from '../../support/chains.ts'

const { run, crypto, members } = testRun(4)
const id = { round: 2, attempt: 1 }

function message(sender: number, byte: number, { round, attempt } = id): SignedMessage {
  const context = {
    version: PROTOCOL_VERSION,
    run: run.id,
    previousLink: ZERO_HASH,
    round,
    attempt,
    rosterHash: ZERO_HASH,
    baseModel: run.baseModel,
    encodingHash: ZERO_HASH
  }
  return sealMessage('inventory', context, Uint8Array.of(byte), members[sender]!.signer, crypto)
}

function world(): { networks: Network[]; gather: (self: number) => ReturnType<typeof gatherTranscript> } {
  const clock = new VirtualClock()
  const sim = createSimWorld({ clock, seed: 1 })
  const networks = members.map(member => sim.join(member.id))
  const gather: ReturnType<typeof world>['gather'] = async self => {
    const others = members.map(member => member.id).filter((_, i) => i !== self)
    const work = gatherTranscript({ network: networks[self]!, clock, crypto }, run, id, others)
    let over = false
    work.then(() => {
      over = true
    })
    await clock.runUntil(() => over, 600_000)
    return work
  }
  return { networks, gather }
}

const hashes = (messages: readonly SignedMessage[]): string[] =>
  messages.map(({ hash }) => toHex(hash)).sort()

describe('what others hold of an attempt', () => {
  it('is gathered from all who answer, each message once', async () => {
    const { networks, gather } = world()
    const [a, b] = [message(1, 1), message(2, 2)]
    serveTranscript(
      networks[1]!,
      run,
      () => [a, b],
      () => true
    )
    serveTranscript(
      networks[2]!,
      run,
      asked => (asked.round === id.round ? [b] : []),
      () => true
    )
    const { transcript, answers } = await gather(0)
    expect(hashes(transcript)).to.deep.equal(hashes([a, b]))
    // The fourth does not serve it: it has not answered.
    expect(answers).to.equal(2)
  })

  it('counts an empty answer as an answer, and gives nothing to strangers', async () => {
    const { networks, gather } = world()
    serveTranscript(
      networks[1]!,
      run,
      () => [],
      () => true
    )
    serveTranscript(
      networks[2]!,
      run,
      () => [message(2, 1)],
      () => false
    )
    expect(await gather(0)).to.deep.equal({ transcript: [], answers: 2 })
  })

  it('takes nothing from one that sends a message of another round, a forged one, or does not end', async () => {
    const { networks, gather } = world()
    const forged = message(1, 1).bytes.slice()
    forged[forged.length - 1]! ^= 1
    const good = message(1, 3)
    networks[1]!.serve(TRANSCRIPT_PROTOCOL, 4096, async function* () {
      yield good.bytes
      yield message(1, 2, { ...id, round: 3 }).bytes
    })
    networks[2]!.serve(TRANSCRIPT_PROTOCOL, 4096, async function* () {
      yield good.bytes
      yield forged
    })
    networks[3]!.serve(TRANSCRIPT_PROTOCOL, 4096, async function* () {
      for (;;) yield good.bytes
    })
    expect(await gather(0)).to.deep.equal({ transcript: [], answers: 0 })
  })

  it('takes nothing from one that sends a message of another attempt', async () => {
    const { networks, gather } = world()
    serveTranscript(
      networks[1]!,
      run,
      () => [message(1, 2, { ...id, attempt: 0 })],
      () => true
    )
    expect(await gather(0)).to.deep.equal({ transcript: [], answers: 0 })
  })
})
