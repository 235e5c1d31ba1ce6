import { expect } from 'chai'
import { peerIdOf } from '../../protocols/peer-id.ts'
import { fullModelRoundBytes, loraElements, smolLm2 } from '../../sim/cost.ts'
import { createReport, doneEvent } from '../../sim/report.ts'
import { parseScenario, scenarioManifest } from '../../sim/scenario.ts'

const count = (sent: number, received: number) => ({ sent, received })

function report() {
  const scenario = parseScenario({ peers: 4, rounds: 3 })
  return createReport({
    manifest: scenarioManifest(scenario, peerIdOf(new Uint8Array(32).fill(7)), {
      source: 'embedded',
      sha256: 'ab'.repeat(32)
    }),
    clients: ['a', 'b', 'c', 'd'],
    completedRounds: 3,
    perClient: { base: [2, 2, 2, 2], local: [1, 3, 1, 3], federated: [1, 1, 1, 2], pooled: null },
    end: 'rounds',
    privacySpent: null,
    bytesPerPeerPerRound: { maskedUpload: count(10, 1), verification: count(20, 30), control: count(3, 4) },
    verification: { verifiers: 4, verifierReceived: 30, otherReceived: null },
    baseParameters: 1000,
    adapterElements: 100,
    stateSha256: 'cd'.repeat(32),
    adapterDir: '/there',
    wallSeconds: 12
  })
}

describe('report of a simulation', () => {
  it('takes means over clients and counts those that improved on the base', () => {
    const { heldOutBitsPerByte, improved } = report()
    expect(heldOutBitsPerByte).to.deep.equal({ base: 2, local: 2, federated: 1.25, pooled: null })
    // Equal is not improved.
    expect(improved).to.deep.equal({ local: 2, federated: 3, pooled: null })
  })

  it('ends with one JSON object of the documented fields', () => {
    expect(doneEvent(report())).to.deep.equal({
      event: 'done',
      peers: 4,
      rounds: 3,
      completedRounds: 3,
      heldOutBitsPerByte: { base: 2, local: 2, federated: 1.25, pooled: null },
      clientsImproved: 3,
      bytesPerPeerPerRound: { sent: 33, received: 35, maskedUpload: 10, verification: 50, control: 7 },
      fullModelBytes: 8000,
      adapterDir: '/there',
      stateSha256: 'cd'.repeat(32),
      wallSeconds: 12,
      end: 'rounds',
      privacy: null
    })
  })

  it('counts the adapter of SmolLM2-135M', () => {
    // By hand, from its config.json: r (in + out) for each of the seven linear layers, thirty times.
    const { a, b } = loraElements(smolLm2, 8)
    expect(a + b).to.equal(2_442_240)
    expect(b).to.equal(30 * 8 * (576 + 192 + 192 + 576 + 1536 + 1536 + 576))
    expect(fullModelRoundBytes(smolLm2.parameters)).to.equal(2 * 4 * 134_515_008)
  })
})
