/**
 * The long work of a round: training, masking, pulling bodies, opening the sum. It runs beside the machine, belongs
 * to one attempt, and ends with it. Plain inputs live here only, from the end of training until they are masked.
 */
import { type AdapterLayout, spansOf } from '../../aggregation/adapter-layout.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { laneCountOf, roundWeight } from '../../aggregation/encoding.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import type { SignedMask } from '../../aggregation/mask-stream.ts'
import { privateLaneCount } from '../../aggregation/private-input.ts'
import type { Random } from '../../aggregation/random.ts'
import { type Lanes, lanesOfBytes } from '../../aggregation/ring.ts'
import { type MaskedSum, maskingOf, unmaskingOf } from '../../aggregation/secure-sum.ts'
import type { BlobExchange } from '../../protocols/blob-exchange.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { toHex } from '../../protocols/hex.ts'
import type { LinkBody } from '../../protocols/messages.js'
import type { Clock, PeerId } from '../../protocols/ports.ts'
import type { Effect, RoundEvent } from '../round/round-types.ts'
import type { Trainer, TrainJob, TrainResult } from '../train/trainer.ts'
import { type ErrorFeedback, eraseLeftover, type Leftover } from './error-feedback.ts'
import { type AttemptId, isBefore } from './journal-store.ts'
import { batchSeedOf, type EncodedTraining, encodeTraining, trainJobOf } from './local-training.ts'
import type { Masking } from './masking.ts'
import { encodePrivateTraining, privateEncodingOf } from './private-round.ts'
import type { PublicSum } from './public-sum.ts'
import { holdersInTurn, pullDelayMs } from './pull-order.ts'
import { keptOf, roundEncodingOf } from './round-encoding.ts'
import { checkSum, integersOfRound, serverStep } from './round-sum.ts'
import type { StateKeeper } from './state-keeper.ts'
import type { TreeWork } from './tree-work.ts'
import { sleep } from './waiting.ts'

type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>

export interface WorkPorts {
  readonly clock: Clock
  readonly crypto: CryptoSuite
  readonly masking: Masking
  readonly run: RunContext
  readonly self: PeerId
  readonly trainer: Trainer
  readonly layout: AdapterLayout
  readonly blobs: BlobExchange
  readonly states: StateKeeper
  /** Where a leaf's sum goes. */
  readonly sums: Pick<TreeWork, 'keep'>
  readonly publicSum: Pick<PublicSum, 'serve'>
  /** What was not sent yet of earlier changes; null without random-k. */
  readonly feedback: ErrorFeedback | null
  readonly examples: number
  rounding(): Random
  /** For the noise of one input and its rounding. */
  noise(): Random
  onTrainingStep(id: AttemptId, steps: number, ofSteps: number, loss: number): void
  onTrained(id: AttemptId, job: TrainJob, result: TrainResult): void
  onSumRefused(id: AttemptId, reason: string): void
  warn(message: string): void
}

/** Attempts before the present one of which a job may have been interrupted; more in one round mean that it fails otherwise. */
const ATTEMPTS_LOOKED_BACK = 4

/** A body that no holder gives is asked for again after this long, doubling up to the second number. */
const PULL_RETRY_MS = { first: 500, longest: 8_000 }

interface AttemptWork {
  readonly id: AttemptId
  readonly stop: AbortController
  /** Encoded, not masked. */
  input: Lanes | null
  /** What is left over once the input is announced; null without random-k. */
  leftover: Leftover | null
  /** Masked inputs pulled and made. */
  readonly bodies: Map<string, Uint8Array>
  /** Bodies being pulled, with those who may hold them. */
  readonly pulls: Map<string, Set<PeerId>>
}

export class RoundWork {
  readonly #ports: WorkPorts
  readonly #attempts = new Map<string, AttemptWork>()
  /** Bodies of the attempt before: a slower member may still want to check its sum. */
  #lastBodies: Uint8Array[] = []
  /** Addresses of this peer's own masked inputs, of this attempt and the one before. */
  #own: string[] = []
  /** The latest round that an attempt was forgotten for, and the deletion of what was kept of its training. */
  #roundsBefore = 0
  #tidying: Promise<unknown> = Promise.resolve()
  #hasTrained = false

  constructor(ports: WorkPorts) {
    this.#ports = ports
  }

  /** @returns null if the attempt was over before the training was */
  async train(effect: EffectOf<'train'>): Promise<RoundEvent | null> {
    const { trainer, states, onTrainingStep, onTrained } = this.#ports
    const work = this.#work(effect)
    const { signal } = work.stop
    const { round, attempt } = work.id
    try {
      const before = states.state.adapter
      const job = await this.#jobOf(effect, before)
      if (signal.aborted) return null
      const onStep = (steps: number, loss: number): void => {
        if (!signal.aborted) onTrainingStep(work.id, steps, job.steps, loss)
      }
      const trained = await trainer.train(job, onStep, signal)
      if (signal.aborted) {
        trained.adapter.fill(0)
        return null
      }
      onTrained(work.id, job, trained)
      const { input, compressed } = this.#encode(effect, trained)
      work.input = input
      work.leftover = compressed && { spans: spansOf(this.#ports.layout, effect.factors), compressed }
      return { type: 'trained', round, attempt }
    } catch (error) {
      if (signal.aborted) return null
      const reason = error instanceof Error ? error.message : String(error)
      this.#ports.warn(`local training of round ${round} failed: ${reason}`)
      return { type: 'training-failed', round, attempt, reason }
    }
  }

  /** From the state that the training began with. Noise is drawn here, anew for every input. */
  #encode(
    { factors, completedRounds, cohortSize }: EffectOf<'train'>,
    trained: TrainResult
  ): EncodedTraining {
    const { run, layout, states, feedback, examples, rounding, noise } = this.#ports
    const { state } = states
    const ofPrivate = privateEncodingOf(run, layout, cohortSize, completedRounds)
    if (ofPrivate !== null) {
      const { manifest } = run
      const input = encodePrivateTraining(ofPrivate, manifest, layout, factors, state, trained, noise())
      return { input, compressed: null }
    }
    const encoding = roundEncodingOf(run, layout, cohortSize, completedRounds)
    const weight = roundWeight(examples, encoding.maxWeight)
    const { adapter, clipNorm } = state
    const kept = keptOf(run, layout, completedRounds)
    const randomK = kept === null ? null : { kept, leftover: feedback!.of(spansOf(layout, factors)) }
    return encodeTraining(encoding, layout, factors, adapter, trained, clipNorm, weight, rounding(), randomK)
  }

  /**
   * The job of an attempt: that of an earlier attempt of the round where this peer was interrupted in its training, else a
   * new one on other data. What is kept of a job is deleted before its masked input is announced, so a delta that may have
   * been in a sum is never made again.
   * @throws FilesError
   */
  async #jobOf(effect: EffectOf<'train'>, adapter: Float32Array): Promise<TrainJob> {
    const { crypto, run, self, trainer, warn } = this.#ports
    const { round, attempt, factors, completedRounds } = effect
    const lookedBack = Math.min(attempt, ATTEMPTS_LOOKED_BACK)
    const jobs = Array.from({ length: lookedBack + 1 }, (_, back) => {
      const seed = batchSeedOf(run.id, { round, attempt: attempt - back }, self, crypto.sha256)
      return trainJobOf(run, adapter, factors, completedRounds, seed)
    })
    const { checkpoints } = trainer
    if (checkpoints === undefined) return jobs[0]!
    await this.#tidying
    const dropped = await checkpoints.keepOnly(jobs)
    if (dropped > 0 && !this.#hasTrained) {
      const why = 'they are of an earlier round, or of other settings, data, base model or backend'
      warn(`the training checkpoints that were here cannot be gone on with: ${why}`)
    }
    this.#hasTrained = true
    for (const job of jobs) if ((await checkpoints.stepsOf(job)) > 0) return job
    return jobs[0]!
  }

  /**
   * Masks the kept input, erases it and the masks' keys, and serves the result.
   * @returns null if there is no input, or no longer
   * @throws FilesError
   */
  async mask(effect: EffectOf<'mask'>): Promise<RoundEvent | null> {
    const { masking, blobs, trainer } = this.#ports
    const work = this.#work(effect)
    const { signal } = work.stop
    let bytes: Uint8Array | null = null
    let sum: MaskedSum | null = null
    try {
      if (work.input === null) return null
      await trainer.checkpoints?.keepOnly([])
      const { input } = work
      if (input === null || signal.aborted) return null
      // From here on the input is this call's alone.
      work.input = null
      try {
        await this.#announceLeftover(work)
        sum = maskingOf(input, effect.selfKey, effect.pairMasks)
        bytes = await masking.sum(sum, signal)
      } finally {
        input.fill(0)
      }
    } finally {
      for (const body of sum?.bodies ?? []) body.fill(0)
      eraseKeys([effect.selfKey], effect.pairMasks)
    }
    if (bytes === null || signal.aborted) return null
    const address = blobs.put(bytes)
    work.bodies.set(toHex(address), address)
    this.#own = [...this.#own.slice(-1), toHex(address)]
    const { round, attempt } = work.id
    return { type: 'input-masked', round, attempt, address, lengthBytes: bytes.length }
  }

  /** Before the input is announced: what goes with it is not sent again. @throws FilesError */
  async #announceLeftover(work: AttemptWork): Promise<void> {
    const { leftover, id } = work
    if (leftover === null) return
    work.leftover = null
    try {
      await this.#ports.feedback!.announce(id, leftover)
    } finally {
      eraseLeftover(leftover)
    }
  }

  /** Takes the end of an attempt. @throws FilesError */
  async settle(link: LinkBody): Promise<void> {
    await this.#ports.feedback?.settle(link, this.#ports.self)
  }

  /**
   * Gets a masked input from any holder, however often it takes while the attempt lasts.
   * @returns null if the attempt was over first, or the body is being pulled already
   */
  async pull(effect: EffectOf<'pull'>, id: AttemptId): Promise<RoundEvent | null> {
    const { clock, crypto, self, blobs, warn } = this.#ports
    const { owner, address, lengthBytes, precedence } = effect
    const work = this.#work(id)
    const { signal } = work.stop
    const key = toHex(address)
    const underWay = work.pulls.get(key)
    if (underWay !== undefined) {
      for (const holder of effect.holders) underWay.add(holder)
      return null
    }
    const holders = new Set(effect.holders)
    work.pulls.set(key, holders)
    const inTurn = () => holdersInTurn([...holders], owner, precedence, address, self, crypto.sha256)
    await sleep(clock, pullDelayMs(precedence), signal)
    let waitMs = PULL_RETRY_MS.first
    while (!signal.aborted) {
      try {
        await blobs.pull(address, lengthBytes, inTurn, signal)
        work.bodies.set(key, address)
        work.pulls.delete(key)
        return signal.aborted ? null : { type: 'body-held', owner, address }
      } catch (error) {
        if (signal.aborted) break
        const reason = error instanceof Error ? error.message : String(error)
        if (waitMs === PULL_RETRY_MS.first) warn(`cannot get the masked input of ${owner} yet: ${reason}`)
        // Of a length that no input of this round has: whoever announced it never had one.
        if (error instanceof ProtocolError && error.code === 'BLOB_WRONG_LENGTH') break
        await sleep(clock, waitMs, signal)
        waitMs = Math.min(2 * waitMs, PULL_RETRY_MS.longest)
      }
    }
    return null
  }

  /**
   * Adds the masked inputs, removes the masks; then runs the server step (the new state is offered, not adopted), or hands
   * on the sum of a leaf.
   * @returns null if the attempt was over first
   * @throws RangeError if a body is not here: the machine asks only once all are
   */
  async unmask(effect: EffectOf<'unmask'>): Promise<RoundEvent | null> {
    const { masking, run, blobs, layout } = this.#ports
    const { signal } = this.#work(effect).stop
    const { round, attempt, survivors, selfKeys, droppedPairMasks } = effect
    const { ringBits } = run.manifest.secureSum
    const bodies = survivors.map(({ peer, address }) => {
      const bytes = blobs.get(address)
      if (bytes === null) throw new RangeError(`the masked input of ${peer} is not here`)
      return bytes
    })
    const unmasking = unmaskingOf(ringBits, bodies, { selfKeys, droppedPairMasks })
    let bytes: Uint8Array | null
    try {
      bytes = await masking.sum(unmasking, signal)
    } finally {
      eraseKeys(selfKeys, droppedPairMasks)
    }
    if (bytes === null || signal.aborted) return null
    const sum = lanesOfBytes(bytes, ringBits)
    try {
      const { cohortSize: encodedFor, completedRounds } = effect
      const integers = integersOfRound(run, layout, { encodedFor, completedRounds }, sum)
      return this.#opened(effect, integers, bytes)
    } catch (error) {
      if (!(error instanceof AggregationError)) throw error
      // Some survivor put in garbage. Everyone sees the same sum and comes to the same end.
      this.#ports.onSumRefused({ round, attempt }, error.message)
      return { type: 'unmask-failed', round, attempt, reason: error.message }
    }
  }

  /** @throws AggregationError BAD_SUM */
  #opened(effect: EffectOf<'unmask'>, integers: Float64Array, bytes: Uint8Array): RoundEvent {
    const { run, layout, states, sums, publicSum } = this.#ports
    const { round, attempt, survivors, privacySpent } = effect
    const of = { encodedFor: effect.cohortSize, completedRounds: effect.completedRounds }
    if (effect.into === 'state') {
      const outcome = serverStep(run, layout, states, of, integers, survivors.length, privacySpent)
      const sumAddress = effect.servesSum ? publicSum.serve(bytes) : null
      return { type: 'unmasked', round, attempt, outcome, sumAddress }
    }
    checkSum(run, layout, states, of, integers, survivors.length)
    return { type: 'summed', round, attempt, ...sums.keep(effect, integers) }
  }

  /** True if a blob is this peer's own masked input, of this attempt or the one before. */
  isOwn(address: Uint8Array): boolean {
    return this.#own.includes(toHex(address))
  }

  /** Ends the work of an attempt. Secrets go at once, its masked inputs with the next attempt. */
  forget(id: AttemptId): void {
    const work = this.#attempts.get(keyOf(id))
    if (work === undefined) return
    this.#attempts.delete(keyOf(id))
    work.stop.abort()
    work.input?.fill(0)
    if (work.leftover !== null) eraseLeftover(work.leftover)
    for (const address of this.#lastBodies) this.#ports.blobs.drop(address)
    this.#lastBodies = [...work.bodies.values()]
  }

  /** Ends the work of every attempt before one. */
  forgetBefore(id: AttemptId): void {
    const { trainer, warn } = this.#ports
    if (id.round > this.#roundsBefore) {
      this.#roundsBefore = id.round
      this.#tidying = Promise.resolve(trainer.checkpoints?.keepOnly([])).catch(error =>
        warn(`the training checkpoints of the round before cannot be deleted: ${error}`)
      )
    }
    for (const work of [...this.#attempts.values()]) if (isBefore(work.id, id)) this.forget(work.id)
  }

  stop(): void {
    for (const work of [...this.#attempts.values()]) this.forget(work.id)
    this.#ports.feedback?.erase()
  }

  #work({ round, attempt }: AttemptId): AttemptWork {
    const known = this.#attempts.get(keyOf({ round, attempt }))
    if (known !== undefined) return known
    const stop = new AbortController()
    const work: AttemptWork = {
      id: { round, attempt },
      stop,
      input: null,
      leftover: null,
      bodies: new Map(),
      pulls: new Map()
    }
    this.#attempts.set(keyOf(work.id), work)
    return work
  }
}

/** Whoever has the keys of a masked input's masks has the input. */
function eraseKeys(selfKeys: readonly Uint8Array[], pairMasks: readonly SignedMask[]): void {
  for (const key of [...selfKeys, ...pairMasks.map(({ key }) => key)]) key.fill(0)
}

function keyOf({ round, attempt }: AttemptId): string {
  return `${round} ${attempt}`
}

/** Lanes of one input of a round: what the machine needs to know of the encoding. */
export function laneCountOfRound(
  run: Pick<RunContext, 'id' | 'manifest'>,
  layout: AdapterLayout,
  cohortSize: number,
  completedRounds: number
): number {
  const ofPrivate = privateEncodingOf(run, layout, cohortSize, completedRounds)
  return ofPrivate === null
    ? laneCountOf(roundEncodingOf(run, layout, cohortSize, completedRounds))
    : privateLaneCount(ofPrivate)
}
