import { expect } from 'chai'
import { ADDRESS_BYTES, BLOB_PROTOCOL } from '../../../protocols/blob-messages.ts'
import { toHex } from '../../../protocols/hex.ts'
import { CHAIN_PROTOCOL } from '../../../protocols/run-protocols.ts'
import type { TrafficRecord } from '../../../protocols/traffic.ts'
import { testMember } from '../../support/chains.ts'
import { linksOf, PeerCluster } from '../../support/peer-cluster.ts'

const BEHIND = 30

describe('a peer that was off for thirty rounds', function () {
  this.timeout(60_000)

  it('pulls the links that it lacks and one state, no round in between, and takes part again', async () => {
    const { id } = testMember(4)
    const crossed: TrafficRecord[] = []
    const recorder = (peer: string) => (record: TrafficRecord) => {
      if (peer === id) crossed.push(record)
    }
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: BEHIND + 8 }, recorder })
    const [first, , , victim] = await cluster.startAll()
    await cluster.runUntil(() => linksOf(victim!).length === 1)
    victim!.kill()
    const height = (): number => first!.peer.status().tip?.height ?? 0
    expect(await cluster.runUntil(() => height() > BEHIND, 3_600_000)).to.equal(true)
    crossed.length = 0
    const lacksFrom = victim!.peer.status().tip!.height + 1

    const back = await cluster.restart(4)
    let whileCatchingUp: TrafficRecord[] | null = null
    back.peer.on(({ type }) => {
      if (type === 'caught-up') whileCatchingUp ??= [...crossed]
    })
    await cluster.runUntil(() => whileCatchingUp !== null)
    const event = back.events.find(event => event.type === 'caught-up')!
    expect(event.links).to.be.at.least(BEHIND)

    const answers = (label: string): Uint8Array[] =>
      whileCatchingUp!
        .filter(({ direction, kind, label: at }) => direction === 'in' && kind === 'answer' && at === label)
        .map(({ bytes }) => bytes)
    const sum = (frames: readonly Uint8Array[]): number => frames.reduce((all, { length }) => all + length, 0)
    // The records as they lie on a disk, each sent once.
    const run = (await first!.disk.list('runs'))[0]!
    const log = (await first!.disk.read(`runs/${run}/chain.log`))!
    const records = answers(CHAIN_PROTOCOL)
    expect(records).to.have.length(event.tip.height - lacksFrom + 1)
    for (const record of records) expect(Buffer.from(log).includes(Buffer.from(record))).to.equal(true)
    // One blob, that state; the chunk hashes before it are all that is added.
    const asked = whileCatchingUp!.filter(
      ({ direction, kind, label }) => direction === 'out' && kind === 'request' && label === BLOB_PROTOCOL
    )
    const addresses = new Set(asked.map(({ bytes }) => toHex(bytes.subarray(0, ADDRESS_BYTES))))
    expect([...addresses]).to.deep.equal([toHex(event.tip.stateHash)])
    const stateBytes = (await back.disk.size(`runs/${run}/states/${toHex(event.tip.stateHash)}.bin`))!
    expect(sum(answers(BLOB_PROTOCOL))).to.be.within(stateBytes, stateBytes + 256)
    console.log(
      `      ${records.length} links: ${sum(records)} bytes; one state of ${stateBytes}: ${sum(answers(BLOB_PROTOCOL))} bytes`
    )

    expect(await cluster.runToEnd(3_600_000)).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    expect(cluster.splits()).to.deep.equal([])
    const later = linksOf(back).filter(({ kind }) => kind === 'result')
    expect(later.some(({ survivors }) => survivors.some(({ peer }) => peer === id))).to.equal(true)
    await cluster.stop()
  })
})
