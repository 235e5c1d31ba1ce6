import { expect } from 'chai'
import { resumptionOf } from '../../../../node/cli/join/resumption.ts'
import { numberedPeer } from '../../../support/manifests.ts'

describe('--resume-with', () => {
  const [author, b, c] = [1, 2, 3].map(numberedPeer) as [string, string, string]

  it('names the members, or keeps those there are', () => {
    expect(resumptionOf('same', { author }, author)([b, c])).to.deep.equal([b, c])
    expect(resumptionOf(`${author}, ${c}`, { author }, author)([b])).to.deep.equal([author, c])
  })

  it('is for the author, and refuses what is no peer id by name', () => {
    expect(() => resumptionOf('same', { author }, b)).to.throw(`for the author of the run, ${author}`)
    expect(() => resumptionOf(`${b},bob`, { author }, author)).to.throw('"bob" is no peer id')
    expect(() => resumptionOf('', { author }, author)).to.throw('"" is no peer id')
  })
})
