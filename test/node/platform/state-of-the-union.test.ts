import { expect } from 'chai'
import { loadTokenizer, type Tokenizer } from '../../../node/model/tokenizer.ts'
import { embeddedModelDir } from '../../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import {
  type President,
  presidentClients,
  presidentHeldOutTokensMax,
  presidentNamed,
  presidentShard,
  presidents
} from '../../../node/platform/state-of-the-union.ts'

describe('State of the Union addresses', () => {
  let clients: President[]
  let tokenizer: Tokenizer
  const client = (id: string): President => clients.find(president => president.id === id)!
  before(async () => {
    clients = await presidents()
    tokenizer = await loadTokenizer(nodeFiles(embeddedModelDir()))
  })

  it('give 41 clients: every president with two addresses or more', () => {
    expect(clients.length).to.equal(41)
    expect(clients.every(({ addresses }) => addresses.length >= 2)).to.equal(true)
    const ids = clients.map(({ id }) => id)
    expect(new Set(ids).size).to.equal(41)
    // One address each: nothing to learn from.
    expect(ids).to.not.include('zachary_taylor').and.to.not.include('joseph_r_biden')
  })

  it('keep presidents of one surname apart, and one president of two terms together', () => {
    const ids = clients.map(({ id }) => id)
    expect(ids).to.include.members(['john_adams', 'john_quincy_adams', 'andrew_johnson', 'lyndon_b_johnson'])
    expect(ids).to.include.members([
      'theodore_roosevelt',
      'franklin_d_roosevelt',
      'george_bush',
      'george_w_bush'
    ])
    const years = client('grover_cleveland').addresses.map(({ year }) => year)
    expect(years).to.deep.equal([1885, 1886, 1887, 1888, 1893, 1894, 1895, 1896])
    expect(client('franklin_d_roosevelt').name).to.equal('Franklin D Roosevelt')
  })

  it('give up to 78 clients: those who spoke most as two, the earlier and the later half of their years', async () => {
    expect(await presidentClients(41)).to.deep.equal(clients)
    const many = await presidentClients(64)
    expect(new Set(many.map(({ id }) => id)).size).to.equal(64)
    const files = many.flatMap(({ addresses }) => addresses.map(({ fileName }) => fileName))
    expect(new Set(files).size).to.equal(files.length)
    expect(files.length).to.equal(clients.reduce((sum, { addresses }) => sum + addresses.length, 0))
    expect(many.every(({ addresses }) => addresses.length >= 2)).to.equal(true)
    const late = many.find(({ id }) => id === 'franklin_d_roosevelt_late')!
    expect(await presidentNamed(late.id)).to.deep.equal(late)
    expect(await presidentNamed('franklin_d_roosevelt')).to.deep.equal(client('franklin_d_roosevelt'))
    expect(await presidentNamed('nobody_early')).to.equal(null)
    expect((await presidentClients(100)).length).to.equal(78)
  })

  it('begin with eight clients from eight eras', () => {
    const firstYears = clients.slice(0, 8).map(({ addresses }) => addresses[0]!.year)
    const gaps = firstYears.slice(1).map((year, i) => year - firstYears[i]!)
    expect(firstYears.at(-1)! - firstYears[0]!).to.be.greaterThan(150)
    expect(Math.min(...gaps)).to.be.at.least(10)
  })

  it('hold out the last address and train on the one before', async () => {
    const lincoln = await presidentShard(client('abraham_lincoln'), tokenizer, { windowTokens: 96 })
    expect(lincoln.train.length).to.equal(4000)
    expect(lincoln.heldOut.length).to.equal(presidentHeldOutTokensMax)
    expect(lincoln.heldOutTokenBytes.length).to.equal(lincoln.heldOut.length)
    // The opening words of December 1863 and of December 1864.
    expect(tokenizer.decode(lincoln.train)).to.match(
      /^Fellow-Citizens of the Senate.*Another year of health and of sufficiently/s
    )
    expect(tokenizer.decode(lincoln.heldOut)).to.match(
      /^Fellow-Citizens of the Senate.*the blessings of health and abundant harvests/s
    )
  })

  it('reach further back where one address is too short', async () => {
    const adams = client('john_adams')
    const shard = await presidentShard(adams, tokenizer, { windowTokens: 96, trainTokensMax: 6000 })
    expect(shard.train.length).to.equal(6000)
    expect([...shard.train]).to.include(tokenizer.endTokenId)
  })

  it('give the clients with the shortest addresses enough for windows of 96 tokens', async () => {
    for (const id of [
      'john_adams',
      'george_washington',
      'james_madison',
      'herbert_hoover',
      'richard_nixon'
    ]) {
      const shard = await presidentShard(client(id), tokenizer, { windowTokens: 96 })
      expect([shard.train.length, shard.heldOut.length], id).to.deep.equal([4000, presidentHeldOutTokensMax])
    }
  })
})
