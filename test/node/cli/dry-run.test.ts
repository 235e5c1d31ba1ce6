import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { scratchFolder } from '../../support/cli.ts'
import { type EndedHere, runHere } from '../../support/cli-here.ts'
import { writeModelFolder } from '../../support/model-folder.ts'

describe('join --dry-run', () => {
  const scratch = scratchFolder()
  const at = (name: string) => join(scratch.path, name)
  let ended: EndedHere
  let done: Record<string, unknown>

  before(async () => {
    writeModelFolder(at('model'))
    writeFileSync(at('text.txt'), 'The state of the union is strong. '.repeat(200))
    const written = await runHere(['init', at('run.yaml'), '--model', at('model'), '--dir', at('author')])
    expect(written.exitCode, written.stderr).to.equal(0)
    const narrow = readFileSync(at('run.yaml'), 'utf8').replace('sequenceLength: 96', 'sequenceLength: 16')
    writeFileSync(at('run.yaml'), narrow)
    await runHere(['init', '--sign', at('run.yaml'), '--dir', at('author')])
    const args = ['--run', at('run.yaml'), '--data', at('text.txt'), '--dir', at('me'), '--threads', '1']
    ended = await runHere(['join', '--dry-run', '--json', ...args])
    done = ended.events.at(-1)!
  })
  after(() => scratch.remove())

  it('needs no address and leaves nothing behind', () => {
    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(existsSync(at('me'))).to.equal(false)
    expect(ended.events).to.have.length(1)
  })

  it('has trained: the loss is that of a model which knows nothing yet', () => {
    expect(done).to.include({ event: 'done', dryRun: true, epsilon: null })
    expect(done['backend']).to.be.oneOf(['wasm', 'cpu'])
    const { seconds, lossNatsPerToken } = done['trainingStep'] as {
      seconds: number
      lossNatsPerToken: number
    }
    expect(seconds).to.be.above(0)
    // A uniform guess among 1,024 tokens costs ln 1024 = 6.93 nats; random weights cost a little more.
    expect(lossNatsPerToken).to.be.within(6, 10)
    expect(done['heldOutBitsPerByte']).to.be.within(2, 10)
  })

  it('says what a round costs in memory, disk, time and bytes', () => {
    const round = done['round'] as {
      seconds: number
      bytes: Record<string, number>
      bytesAtMost: Record<string, number>
    }
    expect(round.seconds).to.be.above(0)
    expect(round.bytes).to.include({ members: 4 })
    expect(round.bytesAtMost).to.include({ members: 16 })
    expect(round.bytes['sentBytes']).to.be.above(3 * round.bytes['maskedInputBytes']!)
    expect(done['memoryBytes']).to.be.above(10 * 2 ** 20)
    const { neededBytes, freeBytes, checkpointBytes } = done['disk'] as Record<string, number>
    expect(neededBytes).to.be.above(0)
    expect(checkpointBytes).to.be.above(0)
    expect(done['plan']).to.include({ microBatchSize: 4, accumulationSteps: 1, checkpointing: false })
    expect(ended.stderr).to.contain('training in whole batches of 4 x 16 tokens: about ')
    expect(freeBytes).to.be.above(0)
    for (const word of [
      'backend',
      'memory',
      'disk',
      'a round',
      'network',
      'epsilon   none: this run adds no noise'
    ]) {
      expect(ended.stderr).to.contain(word)
    }
  })

  it('says what leaves this machine and what never does', () => {
    const { leaves, stays } = done as unknown as Record<'leaves' | 'stays', string[]>
    expect(leaves.join('\n'))
      .to.contain('masked in 16-bit integers')
      .and.contain('network address')
      .and.contain('weight')
    expect(stays).to.include('your text and its tokens').and.include('your private key')
    for (const line of [...leaves, ...stays]) expect(ended.stderr).to.contain(`  - ${line}`)
  })
})
