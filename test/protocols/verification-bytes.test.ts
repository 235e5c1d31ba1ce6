import { expect } from 'chai'
import { parseManifest } from '../../protocols/run-manifest.ts'
import {
  newsBytesOf,
  stateBytesOf,
  verificationBytes,
  verifierCount
} from '../../protocols/verification-bytes.ts'
import { leastManifest } from '../support/manifests.ts'

describe('what verifying costs by arithmetic', () => {
  it('is a body from every other member for a verifier, and the sum for everyone else', () => {
    const of = (verifiers: number) =>
      verificationBytes({ members: 10, verifiers, bodyBytes: 100, newsBytes: 300 })
    expect(of(4)).to.deep.equal({ verifier: 900, other: 300, mean: (4 * 900 + 6 * 300) / 10 })
    for (const everyone of [10, 11, 64])
      expect(of(everyone)).to.deep.equal({ verifier: 900, other: null, mean: 900 })
  })

  it('counts as many verifiers as the manifest names, or as there are', () => {
    expect(verifierCount('everyone', 64)).to.equal(64)
    expect([4, 16, 17, 64].map(members => verifierCount(16, members))).to.deep.equal([4, 16, 16, 16])
  })

  it('takes the sum for as long as a masked input; in a larger network the others pull the state', () => {
    const of = (larger: 'draw' | 'tree') => {
      const cohort = { founders: 4, larger }
      return newsBytesOf(parseManifest({ ...leastManifest, cohort }), 100, 300)
    }
    expect([of('draw'), of('tree')]).to.deep.equal([100, 300])
  })

  it('takes a state for the adapter and the moments that its server optimizer keeps', () => {
    expect(stateBytesOf(1000, 'fedavg')).to.equal(4000)
    expect(stateBytesOf(1000, 'fedadam')).to.equal(12_000)
  })
})
