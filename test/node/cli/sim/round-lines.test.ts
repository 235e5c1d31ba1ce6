import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { createOutput } from '../../../../node/cli/output.ts'
import { SimProgress } from '../../../../node/cli/sim/progress.ts'
import { RoundLines } from '../../../../node/cli/sim/round-lines.ts'
import type { Peer, PeerEvent } from '../../../../node/peer/peer-types.ts'
import type { Trainer } from '../../../../node/train/trainer.ts'
import { jsonLines } from '../../../support/cli.ts'

const bytes = { sent: 1, received: 1 }

/** A link at a height, as a peer tells it. */
function link(height: number): PeerEvent {
  return {
    type: 'link',
    kind: 'result',
    link: {
      height,
      round: height - 1,
      attempt: 0,
      survivors: [],
      cohort: [],
      stateHash: new Uint8Array(1),
      expulsions: [],
      reason: ''
    },
    tip: { linkHash: new Uint8Array(1), privacy: null },
    bytes: { maskedUpload: bytes, verification: bytes, control: bytes }
  } as unknown as PeerEvent
}

const peerWith = (adapter: Float32Array): Peer => ({ adapter: () => adapter }) as unknown as Peer

describe('the lines of a simulation’s rounds', () => {
  /** Two clients; what is measured is the adapter's first value, and that plus 1. */
  function bench() {
    const measured: number[] = []
    const trainers = [0, 1].map(
      client =>
        ({
          async evaluate({ adapter }: { adapter: Float32Array }) {
            measured.push(adapter[0]!)
            return { bitsPerByte: adapter[0]! + client }
          }
        }) as unknown as Trainer
    )
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const output = createOutput({ stdout, stderr }, true)
    const lines = new RoundLines(output, new SimProgress(output, new Map(), 2), trainers, [4, 4], 2)
    return { lines, measured, stdout }
  }

  it('measures a round once, however many peers tell of it, and says the mean over the clients', async () => {
    const { lines, measured, stdout } = bench()
    for (let peer = 0; peer < 3; peer++) lines.take(link(1), peerWith(Float32Array.of(2)))
    await lines.heldOutOf(Float32Array.of(2))
    expect(measured).to.deep.equal([2, 2])
    const rounds = jsonLines(String(stdout.read()))
    expect(rounds).to.have.length(1)
    expect(rounds[0]).to.include({ event: 'round', round: 0, heldOutBitsPerByte: 2.5 })
  })

  it('does not measure the adapter of the last line again, but any other', async () => {
    const { lines, measured } = bench()
    lines.take(link(1), peerWith(Float32Array.of(2)))
    lines.take(link(2), peerWith(Float32Array.of(1)))
    expect(await lines.heldOutOf(Float32Array.of(1))).to.deep.equal([1, 2])
    expect(measured).to.deep.equal([2, 2, 1, 1])
    expect(await lines.heldOutOf(Float32Array.of(3))).to.deep.equal([3, 4])
    expect(measured).to.deep.equal([2, 2, 1, 1, 3, 3])
  })
})
