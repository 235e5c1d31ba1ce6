import { expect } from 'chai'
import { addressOf, chunkHashes } from '../../../aggregation/blob-address.ts'
import { encodeState, initialState } from '../../../aggregation/replicated-state.ts'
import { catchUp } from '../../../node/peer/catch-up.ts'
import { pullChain, serveChain } from '../../../node/peer/chain-protocol.ts'
import { ChainStore } from '../../../node/peer/chain-store.ts'
import { StateKeeper } from '../../../node/peer/state-keeper.ts'
import { StateStore } from '../../../node/peer/state-store.ts'
import { createBlobExchange } from '../../../protocols/blob-exchange.ts'
import type { ChainTip } from '../../../protocols/chain-tip.ts'
import type { Clock, Network } from '../../../protocols/ports.ts'
import { CHAIN_PROTOCOL } from '../../../protocols/run-protocols.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { certifyLink, testRun } from '../../support/chains.ts'
import { numberedPeer } from '../../support/manifests.ts'

const test = testRun(4)
const { run, crypto, founding, tip, layout, initialAdapter } = test
const state = { ...initialState(initialAdapter, 4), completedRounds: 1 }
// With moments, so that its length is not the one of the first state.
const grown = { ...state, moment1: initialAdapter.map(x => x + 1), moment2: initialAdapter.map(x => x + 2) }
const stateBytes = encodeState(grown)
const stateHash = addressOf(chunkHashes(stateBytes, crypto), crypto)
const first = certifyLink(test, tip, 'abort')
const second = certifyLink(test, first.tip, 'result', stateHash)

function world() {
  const clock = new VirtualClock()
  const sim = createSimWorld({ clock, seed: 1 })
  const join = (number: number): Network => sim.join(numberedPeer(number))
  const within = async <T>(work: Promise<T>): Promise<T> => {
    let over = false
    const mark = (): void => {
      over = true
    }
    work.then(mark, mark)
    await clock.runUntil(() => over, 600_000)
    return work
  }
  return { clock, join, within }
}

async function holder(network: Network, records: readonly Uint8Array[], at: ChainTip): Promise<void> {
  const chain = await ChainStore.open(memoryFiles(), 'chain.log', run, crypto, () => {})
  await chain.append(records, at)
  serveChain(network, run, chain, () => true)
}

function keeper(network: Network, clock: Clock): StateKeeper {
  const blobs = createBlobExchange({ network, clock, crypto, allow: () => true })
  return new StateKeeper(
    blobs,
    new StateStore(memoryFiles(), 'states', crypto),
    layout,
    initialState(initialAdapter, 4)
  )
}

describe('the chain from another peer', () => {
  it('comes whole, or from where one is', async () => {
    const { join, within } = world()
    const [holds, asks] = [join(1), join(2)]
    await holder(holds, [founding, first.bytes, second.bytes], second.tip)
    const whole = await within(pullChain(asks, run, crypto, holds.peerId, null))
    expect(whole.records).to.deep.equal([founding, first.bytes, second.bytes])
    expect(whole.tips).to.deep.equal([tip, first.tip, second.tip])
    const rest = await within(pullChain(asks, run, crypto, holds.peerId, first.tip))
    expect(rest.tips).to.deep.equal([second.tip])
    expect((await within(pullChain(asks, run, crypto, holds.peerId, second.tip))).records).to.deep.equal([])
  })

  it('is not for another run, nor for those who may not take part', async () => {
    const { join, within } = world()
    const [holds, asks] = [join(1), join(2)]
    const chain = await ChainStore.open(memoryFiles(), 'chain.log', run, crypto, () => {})
    await chain.append([founding], tip)
    serveChain(holds, run, chain, peer => peer !== asks.peerId)
    expect((await within(pullChain(asks, run, crypto, holds.peerId, null))).records).to.deep.equal([])
    const other = testRun(5).run
    const third = join(3)
    expect((await within(pullChain(third, other, crypto, holds.peerId, null))).records).to.deep.equal([])
  })

  it('is refused at the first record that does not follow', async () => {
    const { join, within } = world()
    const [lies, asks] = [join(1), join(2)]
    let asked = 0
    lies.serve(CHAIN_PROTOCOL, 4096, async function* () {
      yield founding
      yield second.bytes
      asked++
      yield first.bytes
    })
    const error = await within(pullChain(asks, run, crypto, lies.peerId, null)).then(
      () => null,
      (error: Error) => error
    )
    expect(error).to.include({ code: 'BAD_LINK' })
    expect(asked).to.be.at.most(1)
  })
})

describe('catching up', () => {
  it('passes over peers that lie, lack or are gone, and ends with links and the state after them', async () => {
    const { clock, join, within } = world()
    const [lies, lacks, holds, asks] = [join(1), join(2), join(3), join(4)]
    lies.serve(CHAIN_PROTOCOL, 4096, async function* () {
      yield new Uint8Array(100)
    })
    await holder(lacks, [founding], tip)
    await holder(holds, [founding, first.bytes, second.bytes], second.tip)
    keeper(holds, clock).offer(grown)
    const states = keeper(asks, clock)
    const log: string[] = []
    const ports = { network: asks, run, crypto, states, log: (message: string) => log.push(message) }
    const candidates = [numberedPeer(77), lies.peerId, lacks.peerId, holds.peerId]
    const caughtUp = await within(catchUp(ports, tip, candidates, new AbortController().signal))
    expect(caughtUp).to.deep.include({
      from: holds.peerId,
      tip: second.tip,
      records: [first.bytes, second.bytes]
    })
    expect(await states.has(stateHash)).to.equal(true)
    expect(log).to.have.length(2)
  })

  it('comes to nothing without the state, and when nobody is ahead', async () => {
    const { clock, join, within } = world()
    const [holds, asks] = [join(1), join(2)]
    await holder(holds, [founding, first.bytes, second.bytes], second.tip)
    const states = keeper(asks, clock)
    const ports = { network: asks, run, crypto, states, log: () => {} }
    const { signal } = new AbortController()
    expect(await within(catchUp(ports, null, [holds.peerId], signal))).to.equal(null)
    states.offer(grown)
    expect(await within(catchUp(ports, second.tip, [holds.peerId], signal))).to.equal(null)
  })
})
