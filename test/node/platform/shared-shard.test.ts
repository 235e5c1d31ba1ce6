import { expect } from 'chai'
import { sharedShard } from '../../../node/platform/shared-shard.ts'
import { exampleText } from '../../support/example-text.ts'
import { tinyShard } from '../../support/tiny-model.ts'

describe('sharedShard', () => {
  const { ids, examples } = exampleText([
    { prompt: 2, completion: 3 },
    { prompt: 1, completion: 1 }
  ])
  const shards = [tinyShard(), { ...tinyShard(), train: ids, trainExamples: examples! }]

  it('is what it was made from, also after it went to another thread', () => {
    for (const shard of shards) expect(structuredClone(sharedShard(shard))).to.deep.equal(shard)
  })

  it('lies in memory that all threads read', () => {
    for (const shard of shards) {
      const { train, trainExamples, heldOut, heldOutTokenBytes } = structuredClone(sharedShard(shard))
      const marks = trainExamples === undefined ? [] : [trainExamples.starts, trainExamples.counts]
      for (const { buffer } of [train, heldOut, heldOutTokenBytes, ...marks])
        expect(buffer).to.be.instanceOf(SharedArrayBuffer)
    }
  })
})
