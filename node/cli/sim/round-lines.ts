/** One line, and one JSON line, per certified round: who led it, who is in, what was learnt, what it cost. */
import { toHex } from '../../../protocols/hex.ts'
import { giveUpWords, isGiveUpReason } from '../../../protocols/pause.ts'
import { heldOutOf } from '../../../sim/baselines.ts'
import type { Peer, PeerEvent } from '../../peer/peer-types.ts'
import type { Trainer } from '../../train/trainer.ts'
import type { Output } from '../output.ts'
import { figure } from '../privacy/words.ts'
import type { SimProgress } from './progress.ts'

export class RoundLines {
  readonly #output: Output
  readonly #progress: SimProgress
  readonly #trainers: readonly Trainer[]
  readonly #base: number
  readonly #rounds: number
  readonly #pending: Array<Promise<void>> = []
  #height = 0
  #latest: { readonly adapter: Float32Array; readonly heldOut: readonly number[] } | null = null
  #aggregator: string | null = null
  #linkAtMs = performance.now()

  constructor(
    output: Output,
    progress: SimProgress,
    trainers: readonly Trainer[],
    baseHeldOut: readonly number[],
    rounds: number
  ) {
    this.#output = output
    this.#progress = progress
    this.#trainers = trainers
    this.#base = mean(baseHeldOut)
    this.#rounds = rounds
  }

  take(event: PeerEvent, peer: Peer): void {
    if (event.type === 'notice' && event.notice === 'phase')
      this.#aggregator = event.aggregator ?? this.#aggregator
    // Every peer says it; the first is enough.
    if (event.type !== 'link' || event.link.height <= this.#height) return
    this.#height = event.link.height
    this.#pending.push(this.#report(event, peer.adapter()))
  }

  /**
   * Once all lines are out: held-out bits per byte of each client, not measured again if the last line was about that
   * adapter.
   */
  async heldOutOf(adapter: Float32Array): Promise<readonly number[]> {
    await Promise.all(this.#pending)
    const latest = this.#latest
    const isMeasured = latest?.adapter.every((value, i) => value === adapter[i]) === true
    return isMeasured ? latest.heldOut : heldOutOf(this.#trainers, adapter)
  }

  async #report(
    { link, kind, bytes, tip }: PeerEvent & { type: 'link' },
    adapter: Float32Array
  ): Promise<void> {
    const nowMs = performance.now()
    const seconds = (nowMs - this.#linkAtMs) / 1000
    this.#linkAtMs = nowMs
    const aggregator = this.#aggregator
    const perClient = kind === 'result' ? await heldOutOf(this.#trainers, adapter) : null
    if (perClient !== null && link.height === this.#height) this.#latest = { adapter, heldOut: perClient }
    const heldOut = perClient === null ? null : mean(perClient)
    const survivors = link.survivors.map(({ peer }) => peer)
    // Such a round publishes no loss.
    const isNoised = tip.privacy !== null
    this.#output.event({
      event: 'round',
      round: link.round,
      attempt: link.attempt,
      height: link.height,
      linkSha256: toHex(tip.linkHash),
      kind,
      ...(link.reason === '' ? {} : { reason: link.reason }),
      expelled: link.expulsions.map(({ peer, kind }) => ({ peer, kind })),
      aggregator,
      survivors,
      cohort: link.cohort,
      meanTrainingLoss: isNoised ? null : link.meanLoss,
      ...(isNoised ? { epsilonSpent: link.epsilonSpent } : {}),
      heldOutBitsPerByte: heldOut,
      bytes,
      stateSha256: toHex(link.stateHash),
      seconds
    })
    const learnt =
      heldOut === null
        ? isGiveUpReason(link.reason)
          ? `${kind === 'abort' ? 'given up' : 'lost'}: ${giveUpWords[link.reason]}`
          : kind
        : `held-out ${heldOut.toFixed(4)} (${(100 * (heldOut / this.#base - 1)).toFixed(1)} %)`
    const lead = aggregator === null ? '' : `, aggregator ${this.#progress.nameOf(aggregator)}`
    this.#progress.line(
      `round ${link.round + 1}/${this.#rounds}: ${learnt}, ${survivors.length} of ${link.node === undefined ? link.cohort.length : link.members.length} in${lead}, ` +
        `${(this.#progress.sentBytes / 1e6).toFixed(1)} MB sent by all so far, ${seconds.toFixed(1)} s` +
        (isNoised ? `, epsilon ${figure(link.epsilonSpent)} spent` : '')
    )
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
