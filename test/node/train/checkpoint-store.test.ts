import { expect } from 'chai'
import fc from 'fast-check'
import { readSafetensors } from '../../../node/model/safetensors.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../../../node/train/checkpoint-file.ts'
import { type CheckpointNotice, CheckpointStore } from '../../../node/train/checkpoint-store.ts'
import type { TrainingState } from '../../../node/train/training-state.ts'
import { FilesError } from '../../../protocols/files-error.ts'
import { type MemoryFiles, memoryFiles } from '../../../sim/memory-files.ts'
import { randomValues } from '../../support/tiny-model.ts'

const { sha256 } = nodeCrypto()
const [job, otherJob] = ['ab'.repeat(32), 'cd'.repeat(32)]

function stateAfter(steps: number, values = 10): TrainingState {
  return {
    steps,
    losses: Array.from({ length: steps }, (_, i) => 3 / (i + 1) + 1e-17),
    spentMs: 123.25 * steps,
    trained: randomValues(values, steps),
    moments: { mean: randomValues(values, steps + 1), square: randomValues(values, steps + 2) },
    earlyStop: {
      bestNats: Math.PI,
      best: randomValues(values, steps + 3),
      measuredSteps: steps - 1,
      withoutBest: 1
    }
  }
}

const file = encodeCheckpoint(job, stateAfter(5), sha256)

describe('a checkpoint file', () => {
  it('gives back the state to the last bit', () => {
    const states: TrainingState[] = [
      stateAfter(1),
      stateAfter(40),
      { ...stateAfter(3), earlyStop: null, moments: {} },
      {
        ...stateAfter(2),
        earlyStop: { bestNats: null, best: null, measuredSteps: -1, withoutBest: 0 }
      }
    ]
    for (const state of states) {
      const decoded = decodeCheckpoint(encodeCheckpoint(job, state, sha256), job, 'x', sha256)
      expect(decoded).to.deep.equal({ state })
    }
  })

  it('is a safetensors file that other tools can read', () => {
    const tensors = readSafetensors(file)
    expect([...tensors.keys()]).to.deep.equal(['earlyStop.best', 'moments.mean', 'moments.square', 'trained'])
    expect(tensors.get('trained')!.data).to.deep.equal(stateAfter(5).trained)
  })

  it('is refused with any one bit of it changed, or any part of its end missing', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(7), (at, bit) => {
        const changed = file.slice()
        changed[at]! ^= 1 << bit
        expect(decodeCheckpoint(changed, job, 'x', sha256)).to.have.property('fault')
        expect(decodeCheckpoint(file.subarray(0, at), job, 'x', sha256)).to.have.property('fault')
      }),
      { numRuns: 300 }
    )
  })

  it('is refused for another job', () => {
    const decoded = decodeCheckpoint(file, otherJob, 'x', sha256)
    expect(decoded).to.have.property('fault').that.contains('another job')
  })
})

describe('the store of checkpoints', () => {
  const open = (files: MemoryFiles, roomBytes?: () => Promise<number>) => {
    const notices: CheckpointNotice[] = []
    const tell = (notice: CheckpointNotice) => void notices.push(notice)
    const store = new CheckpointStore({
      files,
      folder: 'training',
      sha256,
      tell,
      ...(roomBytes && { roomBytes })
    })
    const save = async (of: string, steps: number) => store.of(of, { steps: 1 }).save(stateAfter(steps))
    const load = (of: string) => store.of(of, { steps: 1 }).load()
    return { store, notices, save, load }
  }
  /** Steps of what is kept, by job. */
  const kept = async (files: MemoryFiles) =>
    (await files.list('training')).map(name => {
      const [, of, steps] = name.replace('.safetensors', '').split('-')
      return `${of!.slice(0, 2)} ${steps}`
    })

  it('keeps the latest two states of a job, and goes on from the latest', async () => {
    const files = memoryFiles()
    const { store, save, load, notices } = open(files)
    expect(await load(job)).to.equal(null)
    for (const steps of [2, 4, 9]) await save(job, steps)
    expect(await kept(files)).to.deep.equal(['ab 4', 'ab 9'])
    expect(await store.stepsOf(job)).to.equal(9)
    expect(await store.stepsOf(otherJob)).to.equal(0)
    expect(await load(job)).to.deep.equal(stateAfter(9))
    expect(notices.map(({ kind }) => kind)).to.deep.equal(['resumed'])
    expect(notices[0]!.message).to.contain('after step 9')
  })

  it('goes on from the one before where the latest is broken, says so, and removes it', async () => {
    const files = memoryFiles()
    const { save, load, notices } = open(files)
    for (const steps of [2, 4]) await save(job, steps)
    const [, latest] = await files.list('training')
    const broken = (await files.read(`training/${latest}`))!
    broken[broken.length - 1]! ^= 1
    await files.write(`training/${latest}`, broken)
    expect(await load(job)).to.deep.equal(stateAfter(2))
    expect(notices.map(({ kind }) => kind)).to.deep.equal(['checkpoint-ignored', 'resumed'])
    expect(notices[0]!.message).to.contain(latest!).and.to.contain('checksum')
    expect(await kept(files)).to.deep.equal(['ab 2'])
  })

  it('says once that what lies there is of other jobs, and starts afresh', async () => {
    const files = memoryFiles()
    const { save, load, notices } = open(files)
    await save(otherJob, 3)
    expect(await load(job)).to.equal(null)
    expect(await load(job)).to.equal(null)
    expect(notices).to.have.length(1)
    expect(notices[0]).to.have.property('kind', 'checkpoint-ignored')
    expect(notices[0]!.message).to.contain('other settings, data, base model or backend')
  })

  it('does not take a file for what its name says', async () => {
    const files = memoryFiles()
    const { save, load, notices } = open(files)
    await save(otherJob, 3)
    const [name] = await files.list('training')
    const content = (await files.read(`training/${name}`))!
    await files.write(`training/${name!.replace(otherJob.slice(0, 32), job.slice(0, 32))}`, content)
    expect(await load(job)).to.equal(null)
    expect(notices[0]!.message).to.contain('another job')
  })

  it('deletes what is of no job that is still wanted', async () => {
    const files = memoryFiles()
    const { store, save } = open(files)
    for (const owner of [otherJob, job]) for (const steps of [1, 2]) await save(owner, steps)
    // Sorted after the checkpoints; of no business of ours.
    await files.write('training/note.txt', new Uint8Array(1))
    await store.keepOnly([job])
    const left = (await files.list('training')).map(name => name.slice(9, 11))
    expect(left).to.deep.equal(['ab', 'ab', ''])
    await store.keepOnly([])
    expect(await files.list('training')).to.deep.equal(['note.txt'])
  })

  it('within a disk budget deletes the oldest first, and never the latest of the job under way', async () => {
    // Jobs that take turns; a checkpoint is some kilobytes.
    const turns = fc.array(fc.tuple(fc.constantFrom(job, otherJob), fc.integer({ min: 1, max: 30 })), {
      minLength: 1,
      maxLength: 8
    })
    await fc.assert(
      fc.asyncProperty(turns, fc.double({ min: 1, max: 4, noNaN: true }), async (written, checkpoints) => {
        const files = memoryFiles()
        const largest = encodeCheckpoint(job, stateAfter(30), sha256).length
        const roomBytes = Math.floor(checkpoints * largest)
        const { save, load, notices } = open(files, async () => roomBytes)
        const order: string[] = []
        for (const [of, steps] of written) {
          await save(of, steps)
          order.push(`${of.slice(0, 2)} ${steps}`)
          const sizes = await Promise.all(
            (await files.list('training')).map(name => files.size(`training/${name}`))
          )
          expect(sizes.reduce<number>((sum, size) => sum + size!, 0)).to.be.at.most(roomBytes)
          expect((await kept(files)).at(-1)).to.equal(order.at(-1))
          expect(await load(of)).to.deep.equal(stateAfter(steps))
        }
        expect(notices.every(({ kind }) => kind === 'resumed')).to.equal(true)
      }),
      { numRuns: 40 }
    )
  })

  it('keeps none, and says so once, where one does not fit the disk budget', async () => {
    const files = memoryFiles()
    const { save, notices } = open(files, async () => 500)
    for (const steps of [1, 2]) await save(job, steps)
    expect(await files.list('training')).to.deep.equal([])
    expect(notices.map(({ kind }) => kind)).to.deep.equal(['checkpoint-not-kept'])
  })

  it('lets training go on where the disk is full, and says so', async () => {
    const files = memoryFiles()
    const write = async (): Promise<void> => {
      throw new FilesError('NO_SPACE', {}, 'cannot write x: the disk is full')
    }
    const { save, notices } = open({ ...files, write })
    await save(job, 1)
    expect(notices).to.have.length(1)
    expect(notices[0]!.message).to.contain('the disk is full').and.to.contain('Training goes on')
  })
})
