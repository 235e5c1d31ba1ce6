import { expect } from 'chai'
import { decodeSum, laneCountOf } from '../../../aggregation/encoding.ts'
import type { Random } from '../../../aggregation/random.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import { initialState } from '../../../aggregation/replicated-state.ts'
import { lanesByteLength, lanesOfBytes } from '../../../aggregation/ring.ts'
import { unmaskSum } from '../../../aggregation/secure-sum.ts'
import { batchSeedOf } from '../../../node/peer/local-training.ts'
import { type Masking, maskingHere } from '../../../node/peer/masking.ts'
import { PublicSum } from '../../../node/peer/public-sum.ts'
import { roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import { RoundWork } from '../../../node/peer/round-work.ts'
import { StateKeeper } from '../../../node/peer/state-keeper.ts'
import { StateStore } from '../../../node/peer/state-store.ts'
import { TreeWork } from '../../../node/peer/tree-work.ts'
import { MaskThreads } from '../../../node/platform/mask-threads.ts'
import type { Effect, RoundEvent } from '../../../node/round/round-types.ts'
import type { TrainerCheckpoints, TrainJob } from '../../../node/train/trainer.ts'
import { type BlobExchange, createBlobExchange } from '../../../protocols/blob-exchange.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { createSimWorld } from '../../../sim/sim-network.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'
import { testRun } from '../../support/chains.ts'
import { vectorTrainer } from '../../support/vector-trainer.ts'

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>

const { run, layout, initialAdapter, crypto, members, manifest } = testRun(4)
const encoding = roundEncodingOf(run, layout, 4, 0)

function trainEffect(round: number): EffectOf<'train'> {
  return { type: 'train', round, attempt: 0, height: 0, completedRounds: 0, cohortSize: 4, factors: ['B'] }
}

function maskEffect(round: number): EffectOf<'mask'> {
  return { type: 'mask', round, attempt: 0, selfKey: crypto.sha256(Uint8Array.of(round)), pairMasks: [] }
}

interface Desk {
  readonly clock: VirtualClock
  readonly work: RoundWork
  readonly blobs: BlobExchange
  readonly warnings: string[]
  readonly trainer: ReturnType<typeof vectorTrainer>
  train(round: number): Promise<RoundEvent | null>
  /** A second peer that holds what it is given. */
  readonly other: { readonly id: string; readonly blobs: BlobExchange }
}

function desk(checkpoints?: TrainerCheckpoints, masking: Masking = maskingHere(crypto)): Desk {
  const clock = new VirtualClock()
  const world = createSimWorld({ clock, seed: 1 })
  const network = world.join(members[0]!.id)
  const blobs = createBlobExchange({ network, clock, crypto, allow: () => true })
  const states = new StateKeeper(
    blobs,
    new StateStore(memoryFiles(), 's', crypto),
    layout,
    initialState(initialAdapter, 4)
  )
  const baseModelSha256 = manifest.model.sha256
  const trainer = vectorTrainer({ layout, initial: initialAdapter, baseModelSha256, number: 1, clock })
  const warnings: string[] = []
  const work = new RoundWork({
    clock,
    crypto,
    masking,
    feedback: null,
    run,
    self: members[0]!.id,
    trainer: { ...trainer, ...(checkpoints && { checkpoints }) },
    layout,
    blobs,
    states,
    sums: new TreeWork({ clock, run, layout, blobs, states, warn: message => warnings.push(message) }),
    publicSum: new PublicSum({ run, layout, blobs, states }),
    examples: 5,
    rounding: (): Random => seededRandom(1),
    noise: (): Random => seededRandom(2),
    onTrainingStep: () => {},
    onTrained: () => {},
    onSumRefused: () => {},
    warn: message => warnings.push(message)
  })
  const otherId = members[1]!.id
  return {
    clock,
    work,
    blobs,
    warnings,
    trainer,
    train: round => within(clock, work.train(trainEffect(round))),
    other: {
      id: otherId,
      blobs: createBlobExchange({ network: world.join(otherId), clock, crypto, allow: () => true })
    }
  }
}

async function within<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let over = false
  const mark = (): void => {
    over = true
  }
  promise.then(mark, mark)
  await clock.runUntil(() => over, 60_000)
  return promise
}

describe('interrupted training', () => {
  /** What is kept, by the job's seed; and what happened, in order. */
  function keptJobs(): TrainerCheckpoints & {
    readonly steps: Map<number, number>
    readonly story: string[]
  } {
    const steps = new Map<number, number>()
    const story: string[] = []
    return {
      steps,
      story,
      stepsOf: async ({ seed }: TrainJob) => steps.get(seed) ?? 0,
      async keepOnly(jobs: readonly TrainJob[]) {
        story.push(`keep ${jobs.length}`)
        const dropped = [...steps.keys()].filter(seed => !jobs.some(job => job.seed === seed))
        for (const seed of dropped) steps.delete(seed)
        return dropped.length
      }
    }
  }
  const seedOf = (round: number, attempt: number): number =>
    batchSeedOf(run.id, { round, attempt }, members[0]!.id, crypto.sha256)

  it('is gone on with in a later attempt of the round', async () => {
    const kept = keptJobs()
    kept.steps.set(seedOf(0, 1), 5)
    const { clock, work, trainer } = desk(kept)
    await within(clock, work.train({ ...trainEffect(0), attempt: 3 }))
    expect(trainer.jobs.map(({ seed }) => seed)).to.deep.equal([seedOf(0, 1)])
  })

  it('is not gone on with in another round, nor once its masked input may be known', async () => {
    const kept = keptJobs()
    kept.steps.set(seedOf(0, 0), 5)
    const { clock, work, trainer, warnings } = desk(kept)
    await within(clock, work.train({ ...trainEffect(1), attempt: 1 }))
    expect(kept.steps.size).to.equal(0)
    expect(warnings.join()).to.contain('cannot be gone on with')
    kept.steps.set(seedOf(1, 1), 7)
    await work.mask({ ...maskEffect(1), attempt: 1 })
    expect(kept.steps.size).to.equal(0)
    await within(clock, work.train({ ...trainEffect(1), attempt: 2 }))
    expect(trainer.jobs.map(({ seed }) => seed)).to.deep.equal([seedOf(1, 1), seedOf(1, 2)])
  })

  it('is forgotten before the masked input is there to be pulled', async () => {
    const kept = keptJobs()
    const { clock, work, blobs } = desk({
      ...kept,
      async keepOnly(jobs) {
        const dropped = await kept.keepOnly(jobs)
        // As a disk that takes its time.
        await new Promise(setImmediate)
        kept.story.push('deleted')
        return dropped
      }
    })
    const put = blobs.put.bind(blobs)
    blobs.put = bytes => {
      kept.story.push('served')
      return put(bytes)
    }
    await within(clock, work.train(trainEffect(0)))
    kept.story.length = 0
    await work.mask(maskEffect(0))
    expect(kept.story).to.deep.equal(['keep 0', 'deleted', 'served'])
  })

  it('is not masked if its attempt is over by the time that it is forgotten', async () => {
    const kept = keptJobs()
    const { clock, work } = desk(kept)
    await within(clock, work.train(trainEffect(0)))
    const masking = work.mask(maskEffect(0))
    work.forget({ round: 0, attempt: 0 })
    expect(await masking).to.equal(null)
  })

  it('is forgotten when the round is over, not when an attempt is', async () => {
    const kept = keptJobs()
    kept.steps.set(seedOf(0, 0), 5)
    const { work } = desk(kept)
    work.forgetBefore({ round: 0, attempt: 1 })
    expect(kept.story).to.deep.equal([])
    work.forgetBefore({ round: 1, attempt: 0 })
    expect(kept.story).to.deep.equal(['keep 0'])
  })
})

describe('the work of a round', () => {
  it('keeps the plain input to itself until it is masked, and erases it then', async () => {
    const work = desk()
    expect(await work.train(0)).to.deep.equal({ type: 'trained', round: 0, attempt: 0 })
    const event = await work.work.mask(maskEffect(0))
    if (event?.type !== 'input-masked') throw new Error('not masked')
    expect(event.lengthBytes).to.equal(2 * laneCountOf(encoding))
    const masked = lanesOfBytes(work.blobs.get(event.address)!, encoding.ringBits)
    const plain = unmaskSum(
      { inputs: [masked], selfKeys: [maskEffect(0).selfKey], droppedPairMasks: [] },
      crypto
    )
    expect(decodeSum(encoding, plain, 1).weightSum).to.equal(4)
    // A second masking would give the difference of two masks away: there is nothing left to mask.
    expect(await work.work.mask(maskEffect(0))).to.equal(null)
  })

  it('masks on other threads to the same bytes as here', async () => {
    const threads = new MaskThreads({ threads: 2, smallestBytes: 0 })
    const addresses: Uint8Array[] = []
    for (const masking of [threads, maskingHere(crypto)]) {
      const { work, train, blobs } = desk(undefined, masking)
      await train(0)
      const event = await work.mask(maskEffect(0))
      if (event?.type !== 'input-masked') throw new Error('not masked')
      expect(blobs.get(event.address)).to.have.length(event.lengthBytes)
      addresses.push(event.address)
    }
    await threads.close()
    expect(addresses[0]).to.deep.equal(addresses[1])
  })

  for (const isCutShort of [false, true]) {
    it(`overwrites the plain input in place${isCutShort ? ', also when the attempt ends meanwhile' : ''}`, async () => {
      let plain: Uint8Array | null = null
      let wasPlain = false
      const { work, train } = desk(undefined, {
        async sum(job, signal) {
          plain = job.bodies[0]!
          wasPlain = plain.some(byte => byte !== 0)
          if (isCutShort) work.forget({ round: 0, attempt: 0 })
          return maskingHere(crypto).sum(job, signal)
        }
      })
      await train(0)
      const event = await work.mask(maskEffect(0))
      expect(event === null).to.equal(isCutShort)
      expect(wasPlain).to.equal(true)
      expect(plain!.length).to.equal(lanesByteLength(encoding.ringBits, laneCountOf(encoding)))
      expect(plain!.every(byte => byte === 0)).to.equal(true)
    })
  }

  it('drops training whose attempt is over before it is', async () => {
    const { clock, work, trainer } = desk()
    const training = work.train(trainEffect(0))
    await clock.advance(500)
    work.forget({ round: 0, attempt: 0 })
    expect(await within(clock, training)).to.equal(null)
    expect(trainer.jobs).to.have.length(1)
    expect(await work.mask(maskEffect(0))).to.equal(null)
    await clock.advance(10_000)
    expect(clock.pending).to.equal(0)
  })

  it('says why training failed', async () => {
    const { train, trainer, warnings } = desk()
    trainer.failWith = 'the loss is not a number'
    expect(await train(0)).to.include({ type: 'training-failed', reason: 'the loss is not a number' })
    expect(warnings).to.have.length(1)
  })

  it('pulls a body once however often it is asked to, from those named later too', async () => {
    const { clock, work, blobs, other, warnings } = desk()
    const body = new Uint8Array(2 * laneCountOf(encoding)).fill(7)
    const address = other.blobs.put(body)
    const effect: EffectOf<'pull'> = {
      type: 'pull',
      owner: members[2]!.id,
      address,
      lengthBytes: body.length,
      holders: [members[2]!.id],
      precedence: 1
    }
    const id = { round: 0, attempt: 0 }
    const first = work.pull(effect, id)
    await clock.advance(3_000)
    expect(warnings).to.have.length(1)
    expect(await work.pull({ ...effect, holders: [other.id] }, id)).to.equal(null)
    expect(await within(clock, first)).to.deep.equal({ type: 'body-held', owner: effect.owner, address })
    expect(blobs.get(address)).to.deep.equal(body)
  })

  it('stops asking for a body when the attempt is over, or its length is a lie', async () => {
    const { clock, work, other } = desk()
    const address = other.blobs.put(new Uint8Array(10))
    const effect = { type: 'pull', owner: other.id, address, holders: [other.id], precedence: 0 } as const
    expect(await within(clock, work.pull({ ...effect, lengthBytes: 11 }, { round: 0, attempt: 0 }))).to.equal(
      null
    )
    const unknown = { ...effect, lengthBytes: 10, address: crypto.sha256(Uint8Array.of(1)) }
    const pulling = work.pull(unknown, { round: 0, attempt: 0 })
    await clock.advance(5_000)
    work.forgetBefore({ round: 1, attempt: 0 })
    expect(await within(clock, pulling)).to.equal(null)
    await clock.advance(30_000)
    expect(clock.pending).to.equal(0)
  })

  it('keeps the bodies of an attempt for one attempt more, then lets them go', async () => {
    const { train, work, blobs } = desk()
    const addresses: Uint8Array[] = []
    for (const round of [0, 1, 2]) {
      await train(round)
      const event = await work.mask(maskEffect(round))
      if (event?.type === 'input-masked') addresses.push(event.address)
      work.forget({ round, attempt: 0 })
    }
    expect(addresses.map(address => blobs.has(address))).to.deep.equal([false, false, true])
    expect(addresses.map(address => work.isOwn(address))).to.deep.equal([false, true, true])
  })
})

describe('the states of a peer', () => {
  it('are served: the current one and the one before, and no other', async () => {
    const { blobs } = desk()
    const states = new StateKeeper(
      blobs,
      new StateStore(memoryFiles(), 's', crypto),
      layout,
      initialState(initialAdapter, 4)
    )
    const at = (completedRounds: number) => ({ ...initialState(initialAdapter, 4), completedRounds })
    const [first, second, never] = [states.offer(at(1)), states.offer(at(2)), states.offer(at(9))]
    await states.write(first)
    await states.adopt(first)
    expect(states.state.completedRounds).to.equal(1)
    expect(blobs.has(never)).to.equal(false)
    const again = states.offer(at(2))
    expect(again).to.deep.equal(second)
    await states.write(second)
    await states.adopt(second)
    const third = states.offer(at(3))
    await states.write(third)
    await states.adopt(third)
    expect([first, second, third].map(hash => blobs.has(hash))).to.deep.equal([false, true, true])
    expect(states.hash).to.deep.equal(third)
  })

  it('come from the disk if they are there, and are not made up', async () => {
    const { blobs } = desk()
    const store = new StateStore(memoryFiles(), 's', crypto)
    const before = new StateKeeper(blobs, store, layout, initialState(initialAdapter, 4))
    const hash = before.offer({ ...initialState(initialAdapter, 4), completedRounds: 1 })
    await before.write(hash)
    const after = new StateKeeper(desk().blobs, store, layout, initialState(initialAdapter, 4))
    expect(await after.has(hash)).to.equal(true)
    expect(await after.has(crypto.sha256(hash))).to.equal(false)
    const error = await after.adopt(crypto.sha256(hash)).then(
      () => null,
      (error: Error) => error
    )
    expect(error).to.be.instanceOf(RangeError)
  })
})
