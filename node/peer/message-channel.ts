/** How signed messages come and go: gossip to everyone in the run or in a cohort of it, and directly to some. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import {
  judgeEvidence,
  judgeMessage,
  judgeOrder,
  type MessageVerdict,
  type Refusal
} from '../../protocols/gossip-validation.ts'
import { GOSSIP_MESSAGE_BYTES } from '../../protocols/limits.ts'
import type { GossipVerdict, Network, PeerId } from '../../protocols/ports.ts'
import { MESSAGE_PROTOCOL, topicOfCohort, topicOfRun } from '../../protocols/run-protocols.ts'
import { EvidenceGate } from './evidence-gate.ts'

/** A member that takes longer to take one message gets it by gossip instead: its view of the round goes on. */
const SEND_TIMEOUT_MS = 5_000

/** An answer is empty; anything else is cut off. */
const ANSWER_BYTES = 64

export interface ChannelInit {
  readonly network: Network
  readonly run: RunContext
  readonly crypto: CryptoSuite
  /** Where the chain stands, and with it who is a member; null before the founding. */
  tip(): ChainTip | null
  onMessage(message: SignedMessage): void
  onRefused(from: PeerId, refusal: Refusal): void
  log(message: string): void
}

export class MessageChannel {
  readonly #init: ChannelInit
  readonly #topic: string
  readonly #gate = new EvidenceGate()
  readonly #closers: Array<() => void> = []
  /** Of a larger network: the cohorts listened to, and how to stop. */
  readonly #cohorts = new Map<string, () => void>()

  constructor(init: ChannelInit) {
    this.#init = init
    this.#topic = topicOfRun(init.run.id)
  }

  open(): void {
    const { network } = this.#init
    this.#closers.push(
      network.subscribe(this.#topic, async (from, data) => this.#take(from, data)),
      network.serve(MESSAGE_PROTOCOL, GOSSIP_MESSAGE_BYTES, (from, body) => {
        return nothing(this.#take(from, body))
      })
    )
  }

  close(): void {
    this.listen([])
    for (const close of this.#closers.splice(0)) close()
  }

  /** Hears the gossip of these cohorts of a larger network, and of no others, besides that of the run. */
  listen(cohorts: readonly string[]): void {
    const { network, run } = this.#init
    for (const [cohort, stop] of this.#cohorts) {
      if (cohorts.includes(cohort)) continue
      this.#cohorts.delete(cohort)
      stop()
    }
    for (const cohort of cohorts) {
      if (this.#cohorts.has(cohort)) continue
      const topic = topicOfCohort(run.id, cohort)
      this.#cohorts.set(
        cohort,
        network.subscribe(topic, async (from, data) => this.#take(from, data))
      )
    }
  }

  /**
   * Does not wait: whoever misses it asks for the transcript.
   * @param topic - as in the effect: a cohort, or `run`; by default where it was said
   */
  gossip(message: SignedMessage, topic?: string): void {
    this.#publish(message, topic).catch(error =>
      this.#init.log(`cannot gossip a ${message.type} message: ${error.message}`)
    )
  }

  /** Directly to each; if some cannot be reached, once by gossip. Does not wait. */
  send(to: readonly PeerId[], message: SignedMessage): void {
    const sending = Promise.allSettled(to.map(peer => this.#request(peer, message)))
    sending
      .then(async outcomes => {
        const missed = to.filter((_, i) => outcomes[i]!.status === 'rejected')
        if (missed.length === 0) return
        this.#init.log(`a ${message.type} message did not reach ${missed.join(', ')} directly: gossiped`)
        await this.#publish(message)
      })
      .catch(error => this.#init.log(`cannot gossip a ${message.type} message: ${error.message}`))
  }

  async #publish(message: SignedMessage, to = message.context.cohort ?? 'run'): Promise<void> {
    const topic = to === 'run' ? this.#topic : topicOfCohort(this.#init.run.id, to)
    await this.#init.network.publish(topic, message.bytes)
  }

  async #request(to: PeerId, message: SignedMessage): Promise<void> {
    const options = { timeoutMs: SEND_TIMEOUT_MS, maxFrameBytes: ANSWER_BYTES }
    for await (const _ of this.#init.network.request(to, MESSAGE_PROTOCOL, message.bytes, options)) return
  }

  #take(from: PeerId, bytes: Uint8Array): GossipVerdict {
    const { onMessage, onRefused } = this.#init
    const judged = this.#judge(bytes)
    if (judged.verdict === 'accept') onMessage(judged.message)
    else onRefused(from, judged)
    return judged.verdict
  }

  #judge(bytes: Uint8Array): MessageVerdict {
    const { run, crypto, tip: now } = this.#init
    const tip = now()
    const judged = judgeMessage(bytes, run, tip?.members ?? null, crypto)
    if (judged.verdict !== 'accept') return judged
    if (judged.message.type === 'order') return judgeOrder(judged.message, run)
    if (judged.message.type !== 'evidence') return judged
    const admits = (sender: PeerId): boolean => this.#gate.admits(sender, tip?.height ?? 0)
    return judgeEvidence(judged.message, run, tip, admits, crypto)
  }
}

/** @throws ProtocolError BAD_MESSAGE if it was rejected: only its maker says a word directly, so there is no relay to spare */
// biome-ignore lint/correctness/useYield: the answer has no frame
async function* nothing(verdict: GossipVerdict): AsyncGenerator<Uint8Array> {
  if (verdict.startsWith('reject')) throw new ProtocolError('BAD_MESSAGE', { reason: verdict })
}
