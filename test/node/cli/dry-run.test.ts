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
    await narrow(at('run.yaml'))
    const args = ['--run', at('run.yaml'), '--data', at('text.txt'), '--dir', at('me'), '--threads', '1']
    ended = await runHere(['join', '--dry-run', '--json', ...args])
    done = ended.events.at(-1)!
  })
  after(() => scratch.remove())

  /** To as many positions as the small model has. */
  async function narrow(file: string): Promise<void> {
    const text = readFileSync(file, 'utf8').replace('sequenceLength: 96', 'sequenceLength: 16')
    writeFileSync(file, text)
    await runHere(['init', '--sign', file, '--dir', at('author')])
  }

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

  it('says who re-adds the sum: with up to 16 members everyone, by default', () => {
    expect((done['round'] as Record<'bytesAtMost', object>).bytesAtMost).to.include({
      verifiers: 16,
      otherReceivedBytes: null
    })
    expect(ended.stderr).to.contain('verifying everyone re-adds the sum')
  })

  it('says what a committee costs, beside what everyone would, and what is trusted for it', async () => {
    const file = at('committee.yaml')
    const made = ['--model', at('model'), '--founders', '12', '--verifiers', '5', '--dir', at('author')]
    expect((await runHere(['init', file, ...made])).exitCode).to.equal(0)
    await narrow(file)
    const args = ['--run', file, '--data', at('text.txt'), '--dir', at('me'), '--threads', '1']
    const dry = await runHere(['join', '--dry-run', '--json', ...args])
    expect(dry.exitCode, dry.stderr).to.equal(0)
    const { bytes } = dry.events.at(-1)!['round'] as { bytes: Record<string, number> }
    expect(bytes).to.include({ members: 12, verifiers: 5 })
    expect(bytes['otherReceivedBytes']).to.be.below(bytes['everyoneReceivedBytes']!)
    expect(dry.stderr).to.contain('a committee of 5 of 12, drawn in each round')
    // f = 3 of 12, and a quorum of five is four: so few cannot make it.
    expect(dry.stderr).to.contain('if 4 of the 5 lie: with 3 liars among 12, that cannot be')
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
