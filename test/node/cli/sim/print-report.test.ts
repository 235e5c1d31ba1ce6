import { expect } from 'chai'
import { reportText } from '../../../../node/cli/sim/print-report.ts'
import { peerIdOf } from '../../../../protocols/peer-id.ts'
import { createReport } from '../../../../sim/report.ts'
import { parseScenario, scenarioManifest } from '../../../../sim/scenario.ts'

const count = (sent: number, received: number) => ({ sent, received })

function text(baseParameters: number, adapterElements: number): string {
  const manifest = scenarioManifest(parseScenario({ peers: 4 }), peerIdOf(new Uint8Array(32).fill(7)), {
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

  it('calls the bytes of a toy model not representative, and shows those of a practical one', () => {
    expect(text(1000, 104)).to.contain(
      'Not representative: the adapter is 10.4 % of so small a base. For SmolLM2'
    )
    expect(text(134_515_008, 460_800)).not.to.contain('representative')
  })
})
