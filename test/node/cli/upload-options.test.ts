import { expect } from 'chai'
import { InvalidArgumentError } from 'commander'
import { byteRate, uploadRates } from '../../../node/cli/upload-options.ts'

describe('the flags that limit uploads', () => {
  it('are sizes per second', () => {
    expect(['500kB', '2MB', '1.5MiB/s', '20000', '3 MB per second'].map(byteRate)).to.deep.equal([
      500_000, 2_000_000, 1_572_864, 20_000, 3_000_000
    ])
    for (const wrong of ['', '0', '9999', 'fast', '2MB/min', '-1MB'])
      expect(() => byteRate(wrong), wrong).to.throw(InvalidArgumentError)
  })

  it('reach the exchange under its own names', () => {
    expect(uploadRates({})).to.deep.equal({})
    expect(uploadRates({ uploadLimit: 5, uploadLimitEach: 3 })).to.deep.equal({
      uploadBytesPerSecond: 5,
      uploadBytesPerSecondEach: 3
    })
  })
})
