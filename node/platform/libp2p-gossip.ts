/** Gossip over gossipsub: signed messages, verdicts that decide what is relayed, and a score for who spreads rubbish. */
import { type Message, TopicValidatorResult } from '@libp2p/gossipsub'
import { NetworkError } from '../../protocols/errors.ts'
import { GossipHandlers } from '../../protocols/gossip-handlers.ts'
import { GOSSIP_MESSAGE_BYTES } from '../../protocols/limits.ts'
import type { Clock, GossipVerdict, Network, PeerId } from '../../protocols/ports.ts'
import type { TrafficRecorder } from '../../protocols/traffic.ts'
import type { FedpeftNode } from './libp2p-node.ts'

const RESULT_OF: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject
}

/** Rejected messages that are forgiven: two honest peers may for a moment disagree about what is valid. */
const FORGIVEN_REJECTIONS = 8

/** A peer's rejections count half after this long, so that nobody is shunned for ever. */
const REJECTION_HALF_LIFE_MS = 60_000

/** How badly each peer's relayed messages were rejected here, fading with time. */
export class RejectionScore {
  readonly #clock: Clock
  readonly #byPeer = new Map<PeerId, { count: number; atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(peer: PeerId): void {
    this.#byPeer.set(peer, { count: this.#count(peer) + 1, atMs: this.#clock.nowMs() })
  }

  /** 0, or minus the square of the rejections that are not forgiven: gossipsub shuns a peer below -80. */
  of(peer: PeerId): number {
    const excess = this.#count(peer) - FORGIVEN_REJECTIONS
    return excess > 0 ? -(excess ** 2) : 0
  }

  #count(peer: PeerId): number {
    const entry = this.#byPeer.get(peer)
    if (entry === undefined) return 0
    return entry.count * 2 ** -((this.#clock.nowMs() - entry.atMs) / REJECTION_HALF_LIFE_MS)
  }
}

export class Libp2pGossip {
  readonly #node: FedpeftNode
  readonly #score: RejectionScore
  readonly #record: TrafficRecorder
  readonly #handlers: GossipHandlers

  constructor(
    node: FedpeftNode,
    score: RejectionScore,
    record: TrafficRecorder,
    log: (message: string) => void
  ) {
    this.#node = node
    this.#score = score
    this.#record = record
    this.#handlers = new GossipHandlers((topic, from, error) => {
      log(
        `a handler of ${topic} failed on a message from ${from}: ${error instanceof Error ? error.stack : error}`
      )
    })
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    if (data.length > GOSSIP_MESSAGE_BYTES) {
      throw new NetworkError(
        'TOO_LARGE',
        { topic, bytes: data.length, maxBytes: GOSSIP_MESSAGE_BYTES },
        `a message of ${data.length} bytes on ${topic}: gossip carries at most ${GOSSIP_MESSAGE_BYTES}; announce a blob instead`
      )
    }
    await this.#node.services.pubsub.publish(topic, data)
    const self = this.#node.peerId.toString()
    this.#record({ direction: 'out', kind: 'gossip', peer: self, label: topic, bytes: data })
  }

  subscribe(topic: string, handle: Parameters<Network['subscribe']>[1]): () => void {
    const { pubsub } = this.#node.services
    if (!this.#handlers.has(topic)) {
      pubsub.topicValidators.set(topic, (relay, message) => this.#validate(topic, relay.toString(), message))
      pubsub.subscribe(topic)
    }
    const remove = this.#handlers.add(topic, handle)
    return () => {
      const was = this.#handlers.has(topic)
      remove()
      if (!was || this.#handlers.has(topic)) return
      pubsub.topicValidators.delete(topic)
      try {
        pubsub.unsubscribe(topic)
      } catch {
        // It throws once the node is stopped, which unsubscribes from everything.
      }
    }
  }

  /** gossipsub's validator: it relays a message only after it was accepted here. */
  async #validate(topic: string, relay: PeerId, message: Message): Promise<TopicValidatorResult> {
    const verdict = await this.#handle(topic, message)
    if (verdict === 'reject') this.#score.add(relay)
    return RESULT_OF[verdict]
  }

  async #handle(topic: string, message: Message): Promise<GossipVerdict> {
    if (message.type !== 'signed') return 'reject'
    const from = message.from.toString()
    // Our own words come back when a peer's memory of what it saw is shorter than the way.
    if (from === this.#node.peerId.toString()) return 'ignore'
    if (message.data.length > GOSSIP_MESSAGE_BYTES) return 'reject'
    this.#record({ direction: 'in', kind: 'gossip', peer: from, label: topic, bytes: message.data })
    return this.#handlers.verdict(topic, from, message.data)
  }
}
