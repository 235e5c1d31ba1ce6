import { expect } from 'chai'
import { encodeInput } from '../../../../aggregation/encoding.ts'
import { seededRandom } from '../../../../aggregation/random.ts'
import { bytesOfLanes } from '../../../../aggregation/ring.ts'
import { roundBytesEstimate } from '../../../../node/cli/join/round-cost.ts'
import { roundEncodingOf } from '../../../../node/peer/round-encoding.ts'
import { loraDefaults } from '../../../../node/peft/adapter-settings.ts'
import { loraAdapter } from '../../../../node/peft/lora.ts'
import { parseManifest } from '../../../../protocols/run-manifest.ts'
import { leastManifest } from '../../../support/manifests.ts'
import { folderConfig } from '../../../support/model-folder.ts'
import { PeerCluster } from '../../../support/peer-cluster.ts'

const id = new Uint8Array(32)
const { layout } = loraAdapter(folderConfig, { ...loraDefaults, rank: 4, alpha: 4 })

function manifestWith(fields: object) {
  return parseManifest({ ...leastManifest, adapter: { rank: 4 }, ...fields })
}

/** Bytes of a masked input, by making one. */
function madeBytes(
  manifest: ReturnType<typeof manifestWith>,
  members: number,
  completedRounds: number
): number {
  const encoding = roundEncodingOf({ id, manifest }, layout, members, completedRounds)
  const input = { delta: new Float64Array(encoding.dimension), weight: 1, metrics: [0] }
  return bytesOfLanes(encodeInput(encoding, input, seededRandom(1))).length
}

describe('what a round costs by arithmetic', () => {
  for (const [strategy, ringBits] of [
    ['rolora', 16],
    ['fedit', 16],
    ['rolora', 20],
    ['ffa', 32]
  ] as const) {
    it(`is the length of a masked input that was made, for ${strategy} in ${ringBits} bits`, () => {
      const manifest = manifestWith({ strategy, secureSum: { ringBits } })
      const { maskedInputBytes } = roundBytesEstimate(manifest, id, layout, 7)
      const [first, second] = [madeBytes(manifest, 7, 0), madeBytes(manifest, 7, 1)]
      expect(maskedInputBytes).to.equal(Math.round((first + second) / 2))
    })
  }

  it('is less with a committee: most members receive the sum instead of the bodies', () => {
    const of = (verifiers: number | 'everyone') =>
      roundBytesEstimate(manifestWith({ secureSum: { verifiers } }), id, layout, 20)
    const [committee, everyone] = [of(5), of('everyone')]
    expect(committee).to.include({ members: 20, verifiers: 5, stateBytes: 4 * layout.length })
    expect(everyone).to.include({ verifiers: 20, otherReceivedBytes: null })
    expect(committee.verifierReceivedBytes).to.equal(everyone.verifierReceivedBytes)
    expect(committee.everyoneReceivedBytes).to.equal(everyone.receivedBytes)
    expect(committee.otherReceivedBytes).to.equal(committee.maskedInputBytes + committee.controlBytes)
    const received = 5 * committee.verifierReceivedBytes + 15 * committee.otherReceivedBytes!
    expect(committee.receivedBytes).to.be.closeTo(received / 20, 1)
  })

  it('grows with the members: each sends and receives one body for every other', () => {
    const manifest = manifestWith({ secureSum: { verifiers: 'everyone' } })
    const of = (members: number) => roundBytesEstimate(manifest, id, layout, members)
    for (const members of [4, 7, 16, 64]) {
      const { maskedInputBytes, sentBytes, receivedBytes, controlBytes } = of(members)
      expect(receivedBytes - controlBytes).to.equal((members - 1) * maskedInputBytes)
      expect(sentBytes).to.equal(receivedBytes)
    }
    expect(of(16).controlBytes).to.be.above(of(7).controlBytes)
  })

  // Under virtual time: on a busy machine a round takes longer, and heartbeats add to it.
  for (const founders of [4, 7]) {
    it(`foretells about the control messages that one of ${founders} members hears in a round`, async () => {
      const cluster = new PeerCluster({ founders })
      const lives = await cluster.startAll()
      await cluster.runToEnd()
      await cluster.stop()
      const { run, layout } = cluster.run
      const { controlBytes } = roundBytesEstimate(run.manifest, run.id, layout, founders)
      const heard = lives.map(({ events }) => events.filter(({ type }) => type === 'link').at(-1)!)
      const bytes = heard.map(event => (event.type === 'link' ? event.bytes.control.received : 0))
      const mean = bytes.reduce((sum, each) => sum + each, 0) / founders
      expect(mean / controlBytes).to.be.within(0.8, 1.25)
    })
  }
})
