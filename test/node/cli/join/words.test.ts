import { expect } from 'chai'
import { bytesText, durationText, peerList, shortPeer } from '../../../../node/cli/join/words.ts'

describe('figures as a person reads them', () => {
  const bytes: Array<[number, string]> = [
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1_000, '1.0 KB'],
    [52_224, '52 KB'],
    [99_960, '100 KB'],
    [999_499, '999 KB'],
    [999_500, '1.0 MB'],
    [1_450_000_000, '1.4 GB'],
    [5e15, '5000 TB']
  ]
  for (const [given, expected] of bytes) {
    it(`${given} bytes are ${expected}`, () => expect(bytesText(given)).to.equal(expected))
  }

  it('seconds, then minutes', () => {
    expect([0.04, 9.94, 45.2, 119, 150, 7_200].map(durationText)).to.deep.equal([
      '0.0 s',
      '9.9 s',
      '45 s',
      '119 s',
      '3 min',
      '120 min'
    ])
  })

  it('peers by the end of their ids', () => {
    expect(shortPeer('12D3KooWabcdefGHIJKL')).to.equal('…GHIJKL')
    expect(peerList(['xxAAAAAA', 'xxBBBBBB'])).to.equal('…AAAAAA …BBBBBB')
  })
})
