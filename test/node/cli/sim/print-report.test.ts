import { expect } from 'chai'
import { reportText } from '../../../../node/cli/sim/print-report.ts'
import { peerIdOf } from '../../../../protocols/peer-id.ts'
import { createReport } from '../../../../sim/report.ts'
import { parseScenario, scenarioManifest } from '../../../../sim/scenario.ts'

const count = (sent: number, received: number) => ({ sent, received })

function text(baseParameters: number, adapterElements: number, committee: number | null = null): string {
  const peers = committee === null ? 4 : 8
  const secureSum = committee === null ? {} : { verifiers: committee }
  const scenario = parseScenario({ peers, manifest: { secureSum } })
  const manifest = scenarioManifest(scenario, peerIdOf(new Uint8Array(32).fill(7)), {
    source: 'embedded',
    sha256: 'ab'.repeat(32)
  })
  return reportText(
    createReport({
      manifest,
      clients: ['a', 'b', 'c', 'd'],
      completedRounds: 8,
      perClient: { base: [2, 2, 2, 2], local: null, federated: [1, 1, 1, 1], pooled: null },
      bytesPerPeerPerRound: {
        maskedUpload: count(10, 0),
        verification: count(20, 30),
        control: count(0, 20)
      },
      verification: {
        verifiers: committee ?? 4,
        verifierReceived: 7_000,
        otherReceived: committee === null ? null : 4_000
      },
      baseParameters,
      adapterElements,
      stateSha256: 'cd'.repeat(32),
      adapterDir: '/there',
      end: 'rounds',
      privacySpent: null,
      wallSeconds: 12
    })
  )
}

describe('report of a simulation in words', () => {
  it('compares the bytes of a round with those of the full model', () => {
    expect(text(1000, 2)).to.contain('moves 8.0 kB per client and round: 100.0 times as much')
  })

  it('says what verifying cost those in the committee and those outside, measured and by arithmetic', () => {
    const written = text(1000, 104, 4)
    expect(written).to.contain('Of 8 peers 4 verified each round: such a peer received 7.0 kB')
    expect(written).to.contain('each of the others 4.0 kB')
    // SmolLM2-135M, rank 8, half of 2,442,240 elements in 16 bits, seven of them for each of eight, in and out.
    expect(written).to.contain('34.19 MB (masked inputs')
    // Four receive that, four the sum, which is as long as one of the seven; in and out.
    expect(written).to.contain("With this run's committee: 19.54 MB")
    expect(text(1000, 104)).not.to.contain('verified each round').and.not.to.contain('committee')
  })

  it('calls the bytes of a toy model not representative, and shows those of a practical one', () => {
    expect(text(1000, 104)).to.contain(
      'Not representative: the adapter is 10.4 % of so small a base. For SmolLM2'
    )
    expect(text(134_515_008, 460_800)).not.to.contain('representative')
  })
})
